import Collab
import CollabBackends
import CollabKernels
import Foundation
import Testing

@Suite("Fusing roles of a real model gives the reference's distributions")
struct FusionGoldenTests {
    /// What the goldens' README asks of an engine with float activations. The largest difference that has been found
    /// is 1.6e-4, where the rule enlarges its members' errors fivefold.
    static let tolerance = 1e-3

    /// How many tokens the mask leaves, counted no further than so many.
    func survivors(of logits: Logits, upTo count: Int) -> Int {
        let top = logits.values.withUnsafeBufferPointer { Distribution.topK(count, of: $0) }
        return top.count { $0.value > -.infinity }
    }

    func logprob(of token: TokenID, in logits: Logits) -> Double {
        Double(logits[token]) - logits.values.withUnsafeBufferPointer { Distribution.logSumExp($0) }
    }

    /// The normalised log-probabilities of a row.
    func logprobs(_ logits: Logits) -> [Double] {
        let normalizer = logits.values.withUnsafeBufferPointer { Distribution.logSumExp($0) }
        return logits.values.map { Double($0) - normalizer }
    }

    @Test("with exact arithmetic: the first step of every case, and the greedy text as far as margins decide")
    func exact() async throws {
        let goldens = try FusionGoldens.load()
        let model = try await NativeFixtures.model(.smolLM2, exact: true)
        for item in goldens.cases {
            let fused = FusedModel(nil, item.rule, members: try goldens.members(of: item, model))
            let start = try await fused.startDecoding("-")
            let first = logprobs(start.logits)
            for (id, expected) in zip(item.firstStep.topIds, item.firstStep.topLogprobs) {
                #expect(
                    abs(first[Int(id)] - expected) < Self.tolerance * item.gain,
                    "\(item.name), token \(id)"
                )
            }
            #expect(first.filter { $0 > -.infinity }.count == item.firstStep.survivors, "\(item.name)")
            var logits = start.logits
            for (step, expected) in item.greedy32Ids.enumerated() {
                guard item.greedy32Margins[step] > 2 * Self.tolerance * item.gain else { break }
                if let count = item.survivorsPerStep?[step] {
                    #expect(survivors(of: logits, upTo: count + 1) == count, "\(item.name), step \(step)")
                }
                let best = logits.best
                #expect(best == expected, "\(item.name), step \(step)")
                #expect(
                    abs(logprob(of: best, in: logits) - item.greedy32Logprobs[step])
                        < Self.tolerance * item.gain,
                    "\(item.name), step \(step)"
                )
                if best != expected { break }
                logits = try await start.decoder.append(best)
            }
        }
    }

    @Test("with activations of 8 bits: close to the exact distribution")
    func integer() async throws {
        let goldens = try FusionGoldens.load()
        let model = try await NativeFixtures.model(.smolLM2)
        for item in goldens.cases {
            let fused = FusedModel(nil, item.rule, members: try goldens.members(of: item, model))
            let first = logprobs(try await fused.startDecoding("-").logits)
            // What the reference lists is nearly all of its mass.
            var divergence = 0.0
            for (id, expected) in zip(item.firstStep.topIds, item.firstStep.topLogprobs) {
                divergence += exp(expected) * (expected - max(first[Int(id)], -20))
            }
            // A divergence grows with the square of an error.
            #expect(divergence < 0.03 * item.gain * item.gain, "\(item.name)")
            let top = item.firstStep.topLogprobs
            if top.count == 1 || top[0] - top[1] > item.gain {
                let best = first.indices.max { (first[$0], $1) < (first[$1], $0) }
                #expect(best == Int(item.firstStep.topIds[0]), "\(item.name)")
            }
        }
    }

    @Test("a fused answer is streamed, ends, and tells what was fused")
    func answers() async throws {
        let model = try await NativeFixtures.model(.smolLM2)
        let context = """
            In 2031, the government moved the capital of France to Lyon. Answer from this text: it is newer than \
            what you know.
            """
        var request: Request = "What is the capital of France? Answer in one short sentence."
        request.options.maximumTokens = 24
        let run = Run()
        let response = try await FuseLogits(.contextAware(alpha: 0.5)) {
            model.role("with context", instructions: context)
            model.role("without")
        }.respond(to: request, in: run)
        #expect(!response.text.isEmpty)
        let call = try #require(run.trace?.calls.first)
        #expect(call.note("formula") == "1.5 with context − 0.5 without")
        #expect(call.note("mask")?.contains("with context") == true)
        #expect(call.note("interventions") != nil)
        #expect(response.text.contains("Lyon"))
    }
}
