//! The exact stored formats. A change here changes the format, and older records must still load.

use hailuo_worker::video::lifecycle::pending_work::WorkItem;
use hailuo_worker::video::record::public::{PublicOrigin, Video};
use hailuo_worker::video::record::{Record, Status};
use hailuo_worker::video::task::search::SearchProgress;
use hailuo_worker::video::task::stored::LoadError;
use hailuo_worker::video::task::tombstone::{Reason, Tombstone};
use hailuo_worker::video::task::{Intent, Job, Phase, Task};
use hailuo_worker::video::time::{Millis, UnixMillis};
use serde_json::json;

const RECORD: &str = include_str!("stored/record-v1.json");
const TASK: &str = include_str!("stored/task-v2.json");
const TASK_V1: &str = include_str!("stored/task-v1.json");

fn public_origin(has_thumbnails: bool) -> PublicOrigin {
    PublicOrigin { url: "https://w.example".to_owned(), has_thumbnails }
}

#[test]
fn a_record_keeps_its_stored_format() {
    let record: Record = serde_json::from_str(RECORD).unwrap();
    assert_eq!(record.status, Status::Completed);
    assert_eq!(serde_json::to_string_pretty(&record).unwrap(), RECORD.trim_end());
}

#[test]
fn figures_of_the_file_are_stored_if_known() {
    let etag = "\"etag\": \"\\\"00dd7054bce1ef148b9708e65d38e0cb\\\"\"";
    let facts = r#""width": 1376,
    "height": 768,
    "duration_seconds": 5.88,
    "fps": 25"#;
    let known = RECORD.trim_end().replace(etag, &format!("{etag},\n    {facts}"));
    let record: Record = serde_json::from_str(&known).unwrap();
    assert_eq!(serde_json::to_string_pretty(&record).unwrap(), known);
    let shown = serde_json::to_value(Video::of(record, &public_origin(false), None)).unwrap();
    assert_eq!((&shown["size"], &shown["output"]["fps"]), (&json!("1376x768"), &json!(25)));
    let earlier: Record = serde_json::from_str(RECORD).unwrap();
    assert_eq!(earlier.output.and_then(|output| output.fps), None);
}

#[test]
fn a_task_keeps_its_stored_format() {
    let task = Task::load(TASK).unwrap();
    assert_eq!(task.job(), Some(&Job { task_id: "534574".to_owned(), token: Some("eDcC".to_owned()) }));
    assert!(matches!(task.phase, Phase::Storing { attempts: 2, .. }));
    assert_eq!(serde_json::to_string_pretty(&task).unwrap(), TASK.trim_end());
}

#[test]
fn a_challenge_keeps_its_stored_format() {
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let challenged = TASK.replace("  \"phase\":", &format!("  \"challenge\": \"{digest}\",\n  \"phase\":"));
    let task = Task::load(&challenged).unwrap();
    assert_eq!(task.challenge.as_deref(), Some(digest));
    assert_eq!(serde_json::to_string_pretty(&task).unwrap(), challenged.trim_end());
    assert_eq!(Task::load(TASK).unwrap().challenge, None);
}

#[test]
fn durations_keep_their_stored_format() {
    let known = r#"  "pace": 120000,
  "begun_at": 1734513808000,
  "ends_at": 1734513928000,
  "heard_at": 1734513890000
}"#;
    let paced = TASK.trim_end().trim_end_matches("\n}").to_owned() + ",\n" + known;
    let task = Task::load(&paced).unwrap();
    assert_eq!(task.typical_duration, Some(Millis::new(120_000)));
    assert_eq!(task.generation_time(), Some(Millis::new(87_000)));
    assert_eq!(serde_json::to_string_pretty(&task).unwrap(), paced);
}

#[test]
fn deliveries_keep_their_stored_format() {
    let told = r#"  "deliveries": {
    "events": 2,
    "pending": {
      "webhook_id": "msg_aeaqcaibaeaqcaibaeaqcaibafokkim4bg2ky6ic_2",
      "failures": 2,
      "due": 1734513935000
    },
    "tries": [
      {
        "at": 1734513905,
        "webhook_id": "msg_aeaqcaibaeaqcaibaeaqcaibafokkim4bg2ky6ic_1",
        "status": 204
      },
      {
        "at": 1734513930,
        "webhook_id": "msg_aeaqcaibaeaqcaibaeaqcaibafokkim4bg2ky6ic_2",
        "error": "no answer within 10 s"
      }
    ]
  }
}"#;
    let told = TASK.trim_end().trim_end_matches("\n}").to_owned() + ",\n" + told;
    let task = Task::load(&told).unwrap();
    assert_eq!(task.deliveries.next_due(), Some(UnixMillis::new(1_734_513_935_000)));
    assert_eq!(serde_json::to_string_pretty(&task).unwrap(), told);
}

#[test]
fn a_callback_url_keeps_its_stored_format() {
    let told = r#"  "owner_webhook": {
    "url": "https://hooks.example.com/a",
    "deliveries": {
      "events": 1,
      "pending": null,
      "tries": [
        {
          "at": 1734513905,
          "webhook_id": "msg_aeaqcaibaeaqcaibaeaqcaibafokkim4bg2ky6ic_1",
          "attempt": 1,
          "status": 204
        }
      ]
    }
  }
}"#;
    let told = TASK.trim_end().trim_end_matches("\n}").to_owned() + ",\n" + told;
    let task = Task::load(&told).unwrap();
    assert_eq!(task.owner_webhook.as_ref().map(|webhook| webhook.deliveries.events()), Some(1));
    assert_eq!(serde_json::to_string_pretty(&task).unwrap(), told);
    assert_eq!(Task::load(TASK).unwrap().owner_webhook, None);
}

#[test]
fn each_phase_keeps_its_stored_format() {
    let since = UnixMillis::new(1);
    let phases = [
        (Phase::Receiving, r#""receiving""#),
        (
            Phase::Waiting { attempts: 1, capacity_retry_after: None },
            r#"{"waiting":{"attempts":1,"turned_away":null}}"#,
        ),
        (Phase::Queued(1), r#"{"in_line":1}"#),
        (Phase::SlotGranted(1), r#"{"placed":1}"#),
        (Phase::Submitting { attempts: 1, hint: None }, r#"{"submitting":{"attempts":1}}"#),
        (
            Phase::Submitting { attempts: 1, hint: Some(Job { task_id: "7".to_owned(), token: None }) },
            r#"{"submitting":{"attempts":1,"hint":{"task_id":"7","token":null}}}"#,
        ),
        (
            Phase::Unknown { since, searches: 2, hint: None, progress: None },
            r#"{"unknown":{"since":1,"searches":2,"hint":null}}"#,
        ),
        (Phase::Ended { job: None }, r#"{"ended":{"job":null}}"#),
        (Phase::Removing { failures: 1, job: None }, r#"{"removing":{"failures":1,"job":null}}"#),
    ];
    for (phase, text) in phases {
        assert_eq!(serde_json::to_string(&phase).unwrap(), text);
        assert_eq!(serde_json::from_str::<Phase>(text).unwrap(), phase);
    }
}

#[test]
fn a_record_without_warnings_loads_as_an_empty_list() {
    let earlier = RECORD.replace(",\n  \"warnings\": []", "");
    assert!(!earlier.contains("warnings"));
    assert_eq!(
        serde_json::from_str::<Record>(&earlier).unwrap(),
        serde_json::from_str::<Record>(RECORD).unwrap()
    );
}

#[test]
fn metadata_is_stored_only_if_there_is_some() {
    let kept = RECORD.trim_end().trim_end_matches("\n}").to_owned()
        + ",\n  \"metadata\": {\n    \"order\": \"17\"\n  }\n}";
    let record: Record = serde_json::from_str(&kept).unwrap();
    assert!(!record.metadata.is_empty());
    assert_eq!(serde_json::to_string_pretty(&record).unwrap(), kept);
}

#[test]
fn the_model_path_is_stored_only_if_it_differs_from_the_name() {
    let named =
        TASK.replacen("\n  \"callback_url\"", "\n  \"model_path\": \"minimax/h3\",\n  \"callback_url\"", 1);
    let task = Task::load(&named).unwrap();
    assert_eq!(task.model_path(), "minimax/h3");
    assert_eq!(serde_json::to_string_pretty(&task).unwrap(), named.trim_end());
    assert_eq!(Task::load(TASK).unwrap().model_path(), "minimax/hailuo-2-3");
}

#[test]
fn an_unfinished_search_keeps_its_stored_format() {
    let candidates = vec![Job { task_id: "7".to_owned(), token: None }];
    let progress = Some(SearchProgress { rows_read: 200, candidates });
    let phase = Phase::Unknown { since: UnixMillis::new(1), searches: 2, hint: None, progress };
    let text = r#"{"unknown":{"since":1,"searches":2,"hint":null,"progress":{"start":200,"candidates":[{"task_id":"7","token":null}]}}}"#;
    assert_eq!(serde_json::to_string(&phase).unwrap(), text);
    assert_eq!(serde_json::from_str::<Phase>(text).unwrap(), phase);
}

#[test]
fn a_task_of_version_1_is_upgraded() {
    let task = Task::load(TASK_V1).unwrap();
    assert_eq!((task.version, task.answerable, task.intent), (2, true, Intent::Make));
    assert!(matches!(task.phase, Phase::Storing { attempts: 2, .. }));
    // It is unknown whether its record was published, so it is published again.
    assert_eq!(task.pending_work.next_due(), task.wake_at);
    let waiting = TASK_V1.split_once("\"phase\"").unwrap().0.to_owned()
        + r#""phase": {"waiting": {"attempts": 3}}, "wake_at": 5, "nudged": false }"#;
    assert_eq!(
        Task::load(&waiting).unwrap().phase,
        Phase::Waiting { attempts: 3, capacity_retry_after: None }
    );
}

#[test]
fn an_end_that_an_earlier_version_has_not_published_is_reported_too() {
    let mut task = Task::load(TASK_V1).unwrap();
    task.record.status = Status::Failed;
    let reports = |text: &str| Task::load(text).unwrap().pending_work.due_of(WorkItem::Report);
    let text = serde_json::to_string(&task).unwrap();
    assert_eq!(reports(&text), task.wake_at);
    assert_eq!(reports(&text.replace(r#""failed""#, r#""in_progress""#)), None);
}

#[test]
fn a_task_of_a_newer_version_is_an_error() {
    let later = TASK.replace("\"version\": 2", "\"version\": 3");
    assert!(matches!(Task::load(&later), Err(LoadError::Newer(3))));
}

#[test]
fn the_file_name_has_the_first_words_of_the_prompt() {
    let mut record: Record = serde_json::from_str(RECORD).unwrap();
    let long = "word ".repeat(40);
    let (words, unbroken) = (["word"; 12].join("-"), "x".repeat(60));
    let (letters, kana) = ("x".repeat(61), "あ".repeat(61));
    let id = record.id.to_string();
    // A prompt, its name in its own script, and its name in ASCII.
    for (prompt, stem, ascii) in [
        ("A paper boat, drifting!", "a-paper-boat-drifting", "a-paper-boat-drifting"),
        ("  \"quotes\"; filename=x\r\nX-Evil: 1", "quotes-filename-x-x-evil-1", "quotes-filename-x-x-evil-1"),
        ("Ein Bär im Schnee", "ein-bär-im-schnee", "ein-im-schnee"),
        ("夕暮れの街を、紙の舟が流れる。4K", "夕暮れの街を-紙の舟が流れる-4k", "4k"),
        ("人々「猫」ー１２３", "人々-猫-ー１２３", &id),
        ("नमस्ते दुनिया।", "नमस्ते-दुनिया", &id),
        ("صباح الخير، يا قمر؟", "صباح-الخير-يا-قمر", &id),
        ("\u{202e}4pm.exe\u{2066}\u{feff}", "4pm-exe", "4pm-exe"),
        ("🎈🎈", &id, &id),
        (&long, &words, &words),
        (&letters, &unbroken, &unbroken),
        (&kana, &"あ".repeat(60), &id),
    ] {
        prompt.clone_into(&mut record.input.prompt);
        assert_eq!((record.file_stem().as_str(), record.ascii_file_stem().as_str()), (stem, ascii));
    }
}

#[test]
fn a_public_video_has_urls_and_no_version() {
    let record: Record = serde_json::from_str(RECORD).unwrap();
    let id = record.id.to_string();
    let with_thumbnails = Video::of(record.clone(), &public_origin(true), None);
    let shown = serde_json::to_value(Video::of(record, &public_origin(false), None)).unwrap();
    let content = format!("https://w.example/v1/videos/{id}/content");
    assert_eq!((&shown["urls"]["content"], &shown["urls"]["thumbnail"]), (&json!(content), &json!(null)));
    assert_eq!(with_thumbnails.urls.thumbnail, Some(format!("{content}?variant=thumbnail")));
    assert_eq!(
        (&shown["seconds"], &shown["size"], &shown["metadata"]),
        (&json!("6"), &json!("1366x768"), &json!({}))
    );
    assert_eq!(shown.get("version"), None);
}

#[test]
fn a_tombstone_keeps_its_stored_format() {
    for (reason, text) in [
        (Reason::Deleted, r#"{"deleted_at":1734513900,"reason":"deleted"}"#),
        (Reason::Expired, r#"{"deleted_at":1734513900,"reason":"expired"}"#),
    ] {
        let tombstone = Tombstone { deleted_at: 1_734_513_900, reason, video: None };
        assert_eq!(serde_json::to_string(&tombstone).unwrap(), text);
        assert_eq!(serde_json::from_str::<Tombstone>(text).unwrap(), tombstone);
        assert_eq!(tombstone.ends_at(), UnixMillis::new((1_734_513_900 + 90 * 86_400) * 1000));
    }
}

#[test]
fn a_tombstone_knows_the_video() {
    let text = r#"{"deleted_at":1734513900,"reason":"deleted","video":{"owner":"alice","model":"hailuo-2.3","status":"completed","created_at":1734513807,"cost_usd":"0.28","request_id":"req_00112233445566778899aabb"}}"#;
    let tombstone: Tombstone = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&tombstone).unwrap(), text);
    let least = r#"{"deleted_at":1734513900,"reason":"expired","video":{"model":"hailuo-2.3","status":"failed","created_at":1734513807}}"#;
    let tombstone: Tombstone = serde_json::from_str(least).unwrap();
    assert_eq!(serde_json::to_string(&tombstone).unwrap(), least);
}

#[test]
fn request_attempts_and_error_keep_their_stored_format() {
    let known = TASK
        .replace("  \"record\":", "  \"request_id\": \"req_00112233445566778899aabb\",\n  \"record\":")
        .replace(
            "  \"chores\":",
            "  \"run_attempts\": 2,\n  \"last_error\": \"Concurrent limit reached\",\n  \"chores\":",
        );
    assert_ne!(known, TASK);
    let mut task = Task::load(&known).unwrap();
    assert_eq!(serde_json::to_string_pretty(&task).unwrap(), known.trim_end());
    assert_eq!((task.request_id.as_deref(), task.run_attempts), (Some("req_00112233445566778899aabb"), 2));
    let earlier = Task::load(TASK).unwrap();
    assert_eq!((earlier.request_id, earlier.run_attempts, earlier.last_error), (None, 0, None));
    task.note_error(&"é".repeat(1000));
    assert_eq!(task.last_error, Some("é".repeat(300)));
}
