import Collab
import CollabBackends
import Foundation
import Testing

/// The expectations are those of Hugging Face's `tokenizers`; see `Scripts/fixtures/make_tokenizers.py`.
@Suite("Tokenizers read from tokenizer.json")
struct TokenizerFileTests {
    static let kinds = [
        "albert", "bert-cased", "bert-uncased", "command-r", "deepseek", "gemma", "gpt2", "llama2", "llama3",
        "mistral",
        "o200k",
        "phi3", "pieces", "qwen2", "roberta", "smollm", "t5", "tekken", "unigram-bytes",
    ]

    /// Where the texts and what is expected of them lie; `Scripts/compare-tokenizers` names a folder of fresh ones.
    private static let samples =
        ProcessInfo.processInfo.environment["COLLAB_TOKENIZER_SAMPLES"].map { URL(filePath: $0) }
        ?? fixture("tokenizer-files")

    static let texts = Result {
        try JSONDecoder().decode([String].self, from: Data(contentsOf: samples.appending(path: "texts.json")))
    }

    @Test("Ids and decoded text are the same for every one of 850 hard texts", arguments: kinds)
    func agreement(kind: String) throws {
        let folder = try ModelFolder(path: fixture("tokenizer-files/\(kind)").path)
        try Self.check(folder.makeTokenizer(), kind, expected: "\(kind)/expected.txt")
    }

    @Test("The real tokenizer of all-MiniLM-L6-v2 agrees as well")
    func miniLM() throws {
        let path = URL(fileURLWithPath: RealModel.gemma3.path).deletingLastPathComponent()
            .appendingPathComponent("all-MiniLM-L6-v2").path
        try #require(
            FileManager.default.fileExists(atPath: path),
            "\(path) is not there; `make test` fetches it once."
        )
        let tokenizer = try ModelFolder(path: path).makeTokenizer()
        #expect(tokenizer.count == 30_522)
        #expect(tokenizer.markers.begin == 101 && tokenizer.markers.end == 102 && tokenizer.markers.addsEnd)
        try Self.check(tokenizer, "MiniLM", expected: "all-MiniLM-L6-v2.txt")
    }

    static func check(_ tokenizer: any ModelTokenizer, _ kind: String, expected: String) throws {
        let texts = try Self.texts.get()
        let lines = try String(contentsOf: Self.samples.appending(path: expected), encoding: .utf8)
            .split(separator: "\n")
        #expect(texts.count > 800 && lines.count == texts.count)
        var wrong: [String] = []
        for (number, (text, line)) in zip(texts, lines).enumerated() {
            let expected = line.split(separator: " ").map(String.init)
            let ids = try tokenizer.encodePrompt(text, parsingSpecialTokens: true)
            let plain = try tokenizer.encodePrompt(text, parsingSpecialTokens: false)
            let decoded = tokenizer.decode(ids)
            if Self.digest(ids) != expected[0] { wrong.append("ids of text \(number): \(ids.prefix(40))") }
            if Self.digest(plain) != expected[1] {
                wrong.append("plain ids of text \(number): \(plain.prefix(40))")
            }
            if Self.hash(decoded.utf8) != expected[2] {
                wrong.append("text of text \(number): \(decoded.prefix(80).debugDescription)")
            }
            #expect(
                tokenizer.endTokens.isDisjoint(with: try tokenizer.encode(text, parsingSpecialTokens: false))
            )
        }
        #expect(wrong.isEmpty, "\(kind): \(wrong.count) differ: \(wrong.prefix(5).joined(separator: "; "))")
    }

    static func hash(_ bytes: some Sequence<UInt8>) -> String {
        let value = bytes.reduce(0x811C_9DC5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    static func digest(_ ids: [TokenID]) -> String {
        hash(ids.flatMap { id in (0..<4).map { UInt8(truncatingIfNeeded: id >> (8 * $0)) } })
    }
}
