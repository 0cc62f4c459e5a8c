// SHA-256 of bytes as they pass.

export class Digest {
  #stream = new crypto.DigestStream('SHA-256');
  #writer = this.#stream.getWriter();

  write(chunk) {
    return this.#writer.write(chunk);
  }

  /** In hex. */
  async finish() {
    await this.#writer.close();
    return new Uint8Array(await this.#stream.digest).toHex();
  }
}
