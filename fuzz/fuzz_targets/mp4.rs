#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hailuo_worker_fuzz::targets::run("mp4", data));
