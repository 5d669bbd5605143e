import Collab
import Foundation
import Testing

@testable import CollabBackends

@Suite("Texts on which tokenizers differ when they are wrong")
struct HardStringTests {
    struct Sample: Decodable {
        var text: String
        var smolLM2: [Int32]
        var gemma3: [Int32]
        var words: [String: [Int]]
    }

    static func samples() throws -> [Sample] {
        try JSONDecoder().decode(
            [Sample].self,
            from: Data(contentsOf: fixture("tokenizers/hard-strings.json"))
        )
    }

    @Test("Ids equal those of the reference libraries", arguments: RealModel.allCases)
    func ids(model: RealModel) throws {
        let tokenizer = try model.tokenizer()
        for sample in try Self.samples() {
            let ids = try tokenizer.encode(sample.text, parsingSpecialTokens: false)
            #expect(
                ids == (model == .smolLM2 ? sample.smolLM2 : sample.gemma3),
                "\(sample.text.debugDescription)"
            )
        }
    }

    @Test(
        "Pre-tokenisers cut words where the regular expressions do",
        arguments: [PreTokenizer.gpt2, .smollm, .llama3, .qwen2]
    )
    func words(preTokenizer: PreTokenizer) throws {
        for sample in try Self.samples() {
            let golden = try #require(sample.words[preTokenizer.rawValue])
            let text = Array(sample.text.utf8)
            let words = text.withUnsafeBufferPointer { text in
                ScalarClass.ascii.withUnsafeBufferPointer { ascii in
                    let reader = ScalarReader(text: text, end: text.count, ascii: ascii)
                    var lengths: [Int] = []
                    var start = 0
                    while start < text.count {
                        let end = preTokenizer.endOfWord(from: start, reader)
                        lengths.append(end - start)
                        start = end
                    }
                    return lengths
                }
            }
            #expect(words == golden, "\(sample.text.debugDescription)")
        }
    }

    @Test("Every id has its bytes, and each text token is found by them", arguments: RealModel.allCases)
    func table(model: RealModel) throws {
        let tokenizer = try model.tokenizer()
        let table = (tokenizer as? ByteLevelBPE)?.table ?? (tokenizer as? SentencePieceBPE)?.table
        let found = try #require(table)
        var wrong = 0
        for id in 0..<TokenID(found.count) where found.kinds[Int(id)].isReachableByMerging {
            if found.find(tokenizer.bytes(of: id)) != id { wrong += 1 }
        }
        #expect(wrong == 0)
    }
}
