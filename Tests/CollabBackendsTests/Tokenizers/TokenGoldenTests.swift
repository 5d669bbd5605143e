import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Token ids equal those of other implementations")
struct TokenGoldenTests {
    @Test(
        "Engine prompts: with and without special tokens, with and without the beginning token",
        arguments: RealModel.allCases
    )
    func enginePrompts(model: RealModel) throws {
        let tokenizer = try model.tokenizer()
        for golden in try TokenGoldens.engine(model).cases {
            #expect(
                try tokenizer.encodePrompt(golden.prompt, parsingSpecialTokens: false) == golden.idsSpecialOff
            )
            #expect(
                try tokenizer.encodePrompt(golden.prompt, parsingSpecialTokens: true) == golden.idsSpecialOn
            )
            #expect(
                try tokenizer.encode(golden.prompt, parsingSpecialTokens: false) == golden.idsNoBosSpecialOff
            )
        }
    }

    @Test("Eighty short strings, and back", arguments: RealModel.allCases)
    func strings(model: RealModel) throws {
        let tokenizer = try model.tokenizer()
        let samples = try TokenGoldens.engine(model).tokenizer
        #expect(samples.count == 80)
        for sample in samples {
            let off = try tokenizer.encodePrompt(sample.text, parsingSpecialTokens: false)
            #expect(off == sample.off, "\(sample.text.debugDescription)")
            let on = try tokenizer.encodePrompt(sample.text, parsingSpecialTokens: true)
            #expect(on == sample.on ?? sample.off, "\(sample.text.debugDescription)")
            #expect(tokenizer.decode(off) == sample.roundTrip ?? sample.text)
        }
    }

    @Test("Prompts in many scripts, code, whitespace, chat turns", arguments: RealModel.allCases)
    func prompts(model: RealModel) throws {
        let tokenizer = try model.tokenizer()
        for prompt in try TokenGoldens.logit(model).prompts {
            let ids = try tokenizer.encodePrompt(prompt.text, parsingSpecialTokens: prompt.parseSpecial)
            #expect(ids == prompt.ids, "\(prompt.name)")
        }
    }

    @Test("Generated tokens turn into the same text", arguments: RealModel.allCases)
    func generatedText(model: RealModel) throws {
        let tokenizer = try model.tokenizer()
        for golden in try TokenGoldens.engine(model).cases where golden.greedyBytesHex == nil {
            #expect(tokenizer.render(golden.greedyIds) == golden.greedyText)
        }
    }

    @Test("A long text", arguments: RealModel.allCases)
    func longText(model: RealModel) throws {
        struct Perplexity: Decodable {
            struct Window: Decodable { var nIds: Int, idsHead: [Int32] }
        }
        let tokenizer = try model.tokenizer()
        let text = try String(contentsOf: fixture("goldens/engine/ppl-alice.txt"), encoding: .utf8)
        let name = model == .smolLM2 ? "smollm2-135m-instruct-q4_1" : "gemma-3-270m-q4_k_m"
        let json = try JSONSerialization.jsonObject(
            with: Data(contentsOf: fixture("goldens/engine/ppl-\(name).json"))
        )
        let golden = try #require(json as? [String: Any])
        let ids = try tokenizer.encodePrompt(text, parsingSpecialTokens: false)
        #expect(ids.count == golden["n_ids"] as? Int)
        let head = try #require(golden["ids_head"] as? [Int])
        #expect(ids.prefix(head.count).map(Int.init) == head)
        #expect(tokenizer.decode(ids) == text)
    }

    @Test("Markers and end tokens are those the models were trained with")
    func markers() throws {
        let small = try RealModel.smolLM2.tokenizer()
        #expect(small.count == 49_152)
        #expect(!small.markers.addsBegin)
        #expect(small.endTokens == [0, 2])
        #expect(small.specialToken(named: "<|im_end|>") == 2)
        #expect(small.specialToken(named: "Hello") == nil)
        let gemma = try RealModel.gemma3.tokenizer()
        #expect(gemma.count == 262_144)
        #expect(gemma.markers.addsBegin && gemma.markers.begin == 2)
        #expect(gemma.endTokens == [1, 106, 212])
        #expect(gemma.isControl(105) && !gemma.isControl(107))
        #expect(gemma.bytes(of: 105).isEmpty && gemma.bytes(of: 107) == [10])
        #expect(gemma.bytes(of: -1).isEmpty && gemma.bytes(of: 262_144).isEmpty)
        #expect(small.fingerprint != gemma.fingerprint)
        #expect(try small.fingerprint == RealModel.smolLM2.open().metadata.makeTokenizer().fingerprint)
    }
}
