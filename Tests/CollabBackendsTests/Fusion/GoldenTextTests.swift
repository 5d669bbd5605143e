import Collab
import CollabBackends
import Foundation
import Testing

/// The goldens tell texts beside token ids: the tokenizer must make each of the other.
@Suite("Tokens of the goldens spell the goldens' texts")
struct GoldenTextTests {
    @Test("the reference's greedy continuations", arguments: RealModel.allCases)
    func continuations(model: RealModel) throws {
        let tokenizer = try model.tokenizer()
        var compared = 0
        for item in try NativeGoldens.exact(model).cases {
            // The long case has none.
            guard let ids = item.greedy32Ids, let margins = item.greedy32Margins else { continue }
            #expect(tokenizer.render(ids) == item.greedy32Text, "\(item.name)")
            #expect(ids.count == 32 && margins.count == 32)
            #expect(margins.min() == item.greedy32MinMargin, "\(item.name)")
            compared += 1
        }
        #expect(compared == 8)
    }

    @Test("the fused continuations, and the contexts that they go on from")
    func fused() throws {
        let tokenizer = try RealModel.smolLM2.tokenizer()
        let goldens = try FusionGoldens.load()
        #expect(goldens.cases.count == 29)
        for item in goldens.cases {
            #expect(tokenizer.render(item.greedy32Ids) == item.text, "\(item.name)")
            #expect(item.greedy32Margins.min() == item.minMargin, "\(item.name)")
        }
        for (name, component) in goldens.components {
            let ids = try tokenizer.encodePrompt(component.text, parsingSpecialTokens: true)
            #expect(ids == component.ids, "\(name)")
        }
        #expect(Set(goldens.cases.flatMap(\.components)) == Set(goldens.components.keys))
    }
}
