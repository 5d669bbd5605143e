import Collab
import CollabKernels
import Foundation
import Testing

@testable import CollabBackends

/// How much a union of vocabularies can express is what decides whether ``FuseUnion`` may stand in for ``FuseBytes``.
@Suite("What two real vocabularies share")
struct VocabularyOverlapTests {
    @Test("as many texts are tokens of both as the reference counts")
    func texts() throws {
        let golden = try ByteGoldens.load().vocabOverlap
        let small = try texts(of: .smolLM2)
        let gemma = try texts(of: .gemma3)
        #expect(small.count == golden.smollm2Distinct)
        // Gemma's file lists `</s>` among its HTML tags; here whatever ends an answer is a control token.
        #expect(gemma.union([Text("</s>".utf8)]).count == gemma.count + 1)
        #expect(gemma.count + 1 == golden.gemma3Distinct)
        let shared = small.intersection(gemma).count
        #expect(shared == golden.shared)
        #expect(abs(Double(shared) / Double(small.count) - golden.fracOfSmollm2) < 1e-4)
        #expect(abs(Double(shared) / Double(gemma.count + 1) - golden.fracOfGemma3) < 1e-4)
    }

    @Test("as much of the next token's probability lies on them as the reference finds, prompt by prompt")
    func mass() async throws {
        let golden = try ByteGoldens.load().vocabOverlap
        let texts = [try texts(of: .smolLM2), try texts(of: .gemma3)]
        let shared = texts[0].intersection(texts[1])
        for (real, key) in [(RealModel.smolLM2, "smollm2"), (.gemma3, "gemma3")] {
            let model = try await NativeFixtures.model(real, exact: true)
            let tokenizer = try real.tokenizer()
            let isShared = (0..<TokenID(tokenizer.count)).map { token in
                !tokenizer.isControl(token) && shared.contains(Text(tokenizer.bytes(of: token)))
            }
            let prompts = try TokenGoldens.logit(real).prompts
            let masses = try #require(golden.sharedMass[key])
            #expect(masses.count == 8)
            for (name, expected) in masses {
                let prompt = try #require(prompts.first { $0.name == name })
                let row = try await model.makeDecoder().append(prompt.ids, logits: .last)[0]
                let normalizer = row.values.withUnsafeBufferPointer { Distribution.logSumExp($0) }
                var mass = 0.0
                for (token, value) in row.values.enumerated() where isShared[token] {
                    mass += exp(Double(value) - normalizer)
                }
                // Printed with five decimals.
                #expect(abs(mass - expected) < 2e-5, "\(key), \(name)")
            }
        }
    }

    private typealias Text = ArraySlice<UInt8>

    /// The texts of a vocabulary's tokens; control tokens stand for none.
    private func texts(of real: RealModel) throws -> Set<Text> {
        let tokenizer = try real.tokenizer()
        return Set(
            (0..<TokenID(tokenizer.count)).lazy.filter { !tokenizer.isControl($0) }
                .map { Text(tokenizer.bytes(of: $0)) }
        )
    }
}
