import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Tokenizer files that are damaged, or ask for what is not known")
struct TokenizerFileFaultTests {
    /// Puts a file into a folder of its own and reads the tokenizer.
    static func read(_ json: Data) throws -> any ModelTokenizer {
        let folder = try TemporaryFolder()
        try json.write(to: folder.url.appendingPathComponent("tokenizer.json"))
        return try ModelFolder(path: folder.url.path).makeTokenizer()
    }

    @Test("Each file of the corpus has its stated outcome within two seconds, and what loads encodes")
    func corpus() throws {
        let corpus = try FuzzCorpus.shared.get()
        let cases = corpus.cases(of: "tokenizer")
        #expect(cases.count >= 20)
        for file in cases {
            let json = try Data(contentsOf: URL(fileURLWithPath: corpus.path(of: file)))
            let start = ContinuousClock.now
            do {
                let tokenizer = try Self.read(json)
                #expect(file.expect != .reject, "\(file.file): \(file.why)")
                for text in ["ab c <unk>", String(repeating: "a", count: 30) + "!", "\u{0} ü 漢 \n"] {
                    let ids = try tokenizer.encodePrompt(text, parsingSpecialTokens: true)
                    #expect(ids.allSatisfy { $0 >= 0 && $0 < tokenizer.count })
                    _ = tokenizer.decode(ids)
                }
            } catch let error as CollabError {
                #expect(file.expect != .accept, "\(file.file): \(error)")
                #expect([.malformedFile, .unsupported].contains(error.code), "\(file.file): \(error)")
            }
            #expect(ContinuousClock.now - start < .seconds(2), "\(file.file)")
        }
    }

    /// A small valid file, changed.
    static func file(_ change: (inout [String: Any]) -> Void) throws -> Data {
        var json: [String: Any] = [
            "added_tokens": [["id": 0, "content": "<unk>", "special": true]],
            "model": [
                "type": "BPE", "unk_token": "<unk>", "vocab": ["<unk>": 0, "a": 1, "b": 2, "ab": 3],
                "merges": ["a b"],
            ],
        ]
        change(&json)
        return try JSONSerialization.data(withJSONObject: json)
    }

    @Test("What is not known is named, with what is")
    func unknownParts() throws {
        let parts: [(String, [String: Any], [String])] = [
            ("normalizer", ["type": "Nmt"], ["Nmt", "NFKC", "Precompiled"]),
            ("pre_tokenizer", ["type": "UnicodeScripts"], ["UnicodeScripts", "ByteLevel", "Metaspace"]),
            ("decoder", ["type": "CTC"], ["CTC", "WordPiece"]),
            ("post_processor", ["type": "Odd"], ["Odd", "TemplateProcessing"]),
            (
                "pre_tokenizer",
                ["type": "Split", "pattern": ["Regex": "(a+)+$"], "behavior": "Isolated"],
                ["(a+)+$", #"\p{N}{1,3}"#]
            ),
            (
                "pre_tokenizer",
                ["type": "Sequence", "pretokenizers": [["type": "ByteLevel"], ["type": "Digits"]]],
                ["pretokenizers[1]", "last"]
            ),
        ]
        for (key, part, words) in parts {
            let error = #expect(throws: CollabError.self) { try Self.read(Self.file { $0[key] = part }) }
            #expect(error?.code == .unsupported)
            for word in words { #expect("\(error!)".contains(word), "\(key): \(error!)") }
        }
    }

    @Test("Ids that contradict each other are refused")
    func ids() throws {
        let vocabularies: [[String: Any]] = [
            ["a": 1, "b": 1, "<unk>": 0], ["a": 1, "<unk>": 0, "b": 3_000_000], ["a": -1, "<unk>": 0],
        ]
        for vocabulary in vocabularies {
            let error = #expect(throws: CollabError.self) {
                try Self.read(Self.file { $0["model"] = ["type": "BPE", "vocab": vocabulary, "merges": []] })
            }
            #expect(error?.code == .malformedFile)
        }
    }

    @Test("Ids beyond the vocabulary become unused tokens that no text has")
    func padding() throws {
        let folder = try TemporaryFolder()
        try Self.file { _ in }.write(to: folder.url.appendingPathComponent("tokenizer.json"))
        let tokenizer = try ModelFolder(path: folder.url.path).makeTokenizer(count: 16)
        #expect(tokenizer.count == 16)
        #expect(try tokenizer.encode("ab[PAD7]", parsingSpecialTokens: true).allSatisfy { $0 < 4 })
        let error = #expect(throws: CollabError.self) {
            try ModelFolder(path: folder.url.path).makeTokenizer(count: 1 << 40)
        }
        #expect(error?.code == .invalidRequest)
    }

    @Test("Other files of the folder name what begins and ends a text")
    func otherFiles() throws {
        let folder = try TemporaryFolder()
        let added = [
            ["id": 0, "content": "<unk>", "special": true], ["id": 4, "content": "<go>", "special": true],
            ["id": 5, "content": "<stop>", "special": true],
        ]
        try Self.file { $0["added_tokens"] = added }
            .write(to: folder.url.appendingPathComponent("tokenizer.json"))
        try Data(#"{"bos_token": "<go>", "eos_token": {"content": "<stop>"}}"#.utf8)
            .write(to: folder.url.appendingPathComponent("tokenizer_config.json"))
        try Data(#"{"eos_token_id": [5, 3]}"#.utf8)
            .write(to: folder.url.appendingPathComponent("generation_config.json"))
        let tokenizer = try ModelFolder(path: folder.url.path).makeTokenizer()
        #expect(tokenizer.markers.begin == 4 && !tokenizer.markers.addsBegin)
        #expect(tokenizer.markers.end == 5 && tokenizer.endTokens == [3, 5])
        #expect(tokenizer.specialToken(named: "<stop>") == 5)
        #expect(try tokenizer.encode("a<stop>", parsingSpecialTokens: false) == [1, 0, 0, 0, 0, 0, 0])
    }
}
