import CollabBackends
import Foundation
import Testing

@testable import Collab

/// The tokens that xgrammar allows after beginnings of answers; `Scripts/fixtures/make_masks.py` makes them.
@Suite("Token masks against xgrammar")
struct MaskGoldenTests {
    private struct Case: Decodable {
        var expression: String
        var prefix: String
        var ends: Bool
        var count: Int
        var hash: String
    }

    @Test("the same tokens of SmolLM2's vocabulary are allowed, one by one")
    func masks() throws {
        let cases = try JSONDecoder().decode(
            [Case].self,
            from: Data(contentsOf: fixture("constraints/masks.json"))
        )
        #expect(cases.count > 40)
        let trie = TokenTrie.shared(for: try RealModel.smolLM2.tokenizer())
        for entry in cases {
            let automaton = try Constraint.regularExpression(entry.expression).automaton
            let situation = try #require(try automaton.advance(automaton.start, by: entry.prefix.utf8))
            let mask = try automaton.mask(of: situation, over: trie)
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for token in 0..<TokenID(trie.vocabularySize) where mask.contains(token) {
                for place in 0..<4 {
                    hash = (hash ^ UInt64(token >> (8 * place) & 0xff)) &* 0x100_0000_01b3
                }
            }
            let label = Comment(rawValue: "\(entry.expression) after “\(entry.prefix)”")
            #expect(mask.count == entry.count && situation.isComplete == entry.ends, label)
            let digits = String(hash, radix: 16)
            #expect(String(repeating: "0", count: 16 - digits.count) + digits == entry.hash, label)
        }
    }

    @Test("the masks of Gemma's vocabulary are those of reading each token by itself")
    func tokenByToken() throws {
        let tokenizer = try RealModel.gemma3.tokenizer()
        let trie = TokenTrie.shared(for: tokenizer)
        let automaton = try Constraint.json(.object { JSONSchema.Property("name", .text(length: 1...8)) })
            .automaton
        for prefix in ["", "{\"na", "{\"name\": \"", "{\"name\": \"abcdef", "{\"name\": \"é\""] {
            let situation = try #require(try automaton.advance(automaton.start, by: prefix.utf8))
            let mask = try automaton.mask(of: situation, over: trie)
            for token in stride(from: 0, to: TokenID(tokenizer.count), by: 17) {
                let bytes = tokenizer.isControl(token) ? [] : tokenizer.bytes(of: token)
                let goesOn = try !bytes.isEmpty && automaton.advance(situation, by: bytes) != nil
                if mask.contains(token) != goesOn { Issue.record("token \(token) after \(prefix)") }
            }
        }
    }
}
