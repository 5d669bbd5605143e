import CollabBackends
import Foundation
import Testing

@testable import Collab

@Suite("Real models read byte by byte give the reference's distributions")
struct ByteGoldenTests {
    @Test(
        "summed over every segmentation, with exact arithmetic",
        arguments: [(RealModel.smolLM2, "smollm2", 60), (.gemma3, "gemma3", 21)]
    )
    func exact(_ real: RealModel, _ key: String, _ mostHypotheses: Int) async throws {
        let golden = try #require(try ByteGoldens.load().exact[key])
        let base = PromptedModel(
            name: key,
            base: try await NativeFixtures.model(real, exact: true),
            prompt: golden.trunkIds
        )
        // The reference counts all control tokens as the end.
        let model = ByteModel(base, pruning: .none, lexicons: ByteLexicons(stops: .controlTokens))
        let start = try await model.startDecoding("-")
        let decoder = try #require(start.decoder as? ByteDecoder)
        var written: [UInt8] = []
        for step in golden.steps where step.hypotheses <= mostHypotheses {
            for byte in bytes(hex: step.prefixHex).dropFirst(written.count) {
                _ = try await decoder.append([TokenID(byte)], logits: .none)
                written.append(byte)
            }
            let beam = try #require(decoder.beam)
            #expect(abs(beam.distribution.reduce(0, +) - 1) < 1e-12)
            #expect(beam.hypotheses.count == step.hypotheses, "after \(written)")
            for (byte, expected) in zip(step.topBytes + [256], step.topLogprobs + [step.stopLogprob]) {
                #expect(
                    abs(log(beam.distribution[byte]) - expected) < 2e-3,
                    "\(key), byte \(byte) after \(written)"
                )
            }
        }
        #expect(!written.isEmpty)
    }

    @Test("two models with different vocabularies, fused: the greedy path as far as margins decide")
    func fused() async throws {
        let goldens = try ByteGoldens.load()
        let lexicons = ByteLexicons(stops: .controlTokens)
        let small = try await NativeFixtures.model(.smolLM2, exact: true)
        let gemma = try await NativeFixtures.model(.gemma3, exact: true)
        for item in goldens.fused {
            let prompt = try #require(ByteGoldens.prompts[item.prompt])
            let pruning = BytePruning(threshold: item.pruneRelative, maximumHypotheses: .max)
            let members = [small, gemma].map { ByteModel($0, pruning: pruning, lexicons: lexicons) }
            let start = try await FusedModel(nil, item.rule, members: members).startDecoding(
                .completion(prompt)
            )
            var logits = start.logits
            for (place, step) in item.steps.enumerated() {
                let total = log(logits.values.reduce(0) { $0 + exp(Double($1)) })
                let listed = zip(step.topBytes ?? [Int(step.byte)], step.topLogprobs ?? [step.logprob])
                for (byte, expected) in listed where expected > -12 {
                    #expect(
                        abs(Double(logits.values[byte]) - total - expected) < 5e-3,
                        "\(item.name), step \(place), byte \(byte)"
                    )
                }
                guard step.margin > 1e-2 else { break }
                let best = logits.values.indices.max { logits.values[$0] < logits.values[$1] }
                #expect(best == Int(step.byte), "\(item.name), step \(place)")
                if place + 1 < item.steps.count { logits = try await start.decoder.append(step.byte) }
            }
            // The reference also counts the pass after its last byte, and pruned before it paid.
            for (member, passes) in zip(members, item.forwardPasses) {
                #expect(abs(member.statistics.forwardPasses - passes) <= 3, "\(item.name): \(member.name)")
            }
        }
    }

    @Test("two models with different vocabularies write one answer, in less than two passes a byte")
    func answer() async throws {
        let small = try await NativeFixtures.model(.smolLM2)
        let gemma = try await NativeFixtures.model(.gemma3)
        let fused = FuseBytes(.productOfExperts) {
            small
            gemma
        }
        let run = Run()
        let options = GenerationOptions(maximumTokens: 48)
        let response = try await fused.respond(
            to: .completion("The capital of France is", options: options),
            in: run
        )
        #expect(response.text.hasPrefix(" Paris"))
        #expect(!response.text.contains("\u{FFFD}"))
        let call = try #require(run.trace?.calls.first)
        let passes = try #require(call.note("forward passes"))
        let rates = passes.split(separator: "(").dropFirst().compactMap { Double($0.prefix { $0 != " " }) }
        #expect(rates.count == 2)
        #expect(rates.allSatisfy { $0 > 0 && $0 < 2 }, "\(passes)")
        #expect(call.note("dropped mass") != nil)
    }
}
