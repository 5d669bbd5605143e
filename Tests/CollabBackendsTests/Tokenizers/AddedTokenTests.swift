import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Added tokens that strip white space")
struct AddedTokenTests {
    struct Case: CustomTestStringConvertible {
        let left: Bool
        let right: Bool
        let text: String
        let ids: [TokenID]

        var testDescription: String {
            "\(left ? "lstrip " : "")\(right ? "rstrip " : "")\(text.debugDescription)"
        }
    }

    /// What Hugging Face's `tokenizers` 0.23.3 gives for these.
    static let cases = [
        Case(left: false, right: true, text: "<t>  a", ids: [4, 5, 1]),
        Case(left: false, right: true, text: "<t>   a", ids: [4, 5, 0, 1]),
        Case(left: false, right: true, text: "<t>  <t> a", ids: [4, 5, 4, 1]),
        Case(left: false, right: true, text: "a <t>  ", ids: [1, 0, 4, 5]),
        Case(left: false, right: true, text: "  <t>  <t>", ids: [5, 4, 5, 4]),
        Case(left: false, right: true, text: "<t>     b", ids: [4, 5, 5, 0, 2]),
        Case(left: false, right: true, text: "<t>  \n a", ids: [4, 5, 3, 0, 1]),
        Case(left: true, right: false, text: "<t>  a", ids: [4, 5, 1]),
        Case(left: true, right: false, text: "<t>  <t> a", ids: [4, 5, 4, 0, 1]),
        Case(left: true, right: false, text: "a <t>  ", ids: [1, 4, 5]),
        Case(left: true, right: false, text: "  <t>  <t>", ids: [5, 4, 5, 4]),
        Case(left: true, right: true, text: "<t>  a", ids: [4, 5, 1]),
        Case(left: true, right: true, text: "<t>  <t> a", ids: [4, 5, 4, 1]),
        Case(left: true, right: true, text: "a <t>  ", ids: [1, 4, 5]),
        Case(left: true, right: true, text: "  <t>  <t>", ids: [5, 4, 5, 4]),
    ]

    @Test("leave white space that is a token of its own behind them, as Hugging Face does", arguments: cases)
    func whitespaceToken(_ expected: Case) throws {
        let file = try TokenizerFileFaultTests.file { json in
            json["added_tokens"] = [
                [
                    "id": 4, "content": "<t>", "special": false, "normalized": false, "lstrip": expected.left,
                    "rstrip": expected.right,
                ],
                ["id": 5, "content": "  ", "special": false, "normalized": false],
            ]
            json["model"] = [
                "type": "BPE", "vocab": [" ": 0, "a": 1, "b": 2, "\n": 3], "merges": [String](),
            ]
        }
        let tokenizer = try TokenizerFileFaultTests.read(file)
        #expect(try tokenizer.encode(expected.text, parsingSpecialTokens: true) == expected.ids)
    }
}
