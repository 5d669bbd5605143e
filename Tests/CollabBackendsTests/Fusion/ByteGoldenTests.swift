import CollabBackends
import Foundation
import Testing

@testable import Collab

@Suite("Real models read byte by byte give the reference's distributions")
struct ByteGoldenTests {
    /// Of log-probabilities; the largest difference that has been found is 1.4e-4.
    static let tolerance = 1e-3

    /// Every place is compared, also Gemma's last with 55, 102 and 272 segmentations: the passes of a place are one batch, and
    /// the 381 passes of both models take 20 seconds of the processor in a debug build.
    @Test(
        "summed over every segmentation, with exact arithmetic",
        arguments: [(RealModel.smolLM2, "smollm2"), (.gemma3, "gemma3")]
    )
    func exact(_ real: RealModel, _ key: String) async throws {
        let golden = try #require(try ByteGoldens.load().exact[key])
        let prompt = try #require(try TokenGoldens.logit(real).prompts.first { $0.name == golden.prompt })
        #expect(prompt.ids == golden.trunkIds)
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
        var prefix = 0.0
        for step in golden.steps {
            for byte in bytes(hex: step.prefixHex).dropFirst(written.count) {
                prefix += log(try #require(decoder.beam).distribution[Int(byte)])
                _ = try await decoder.append([TokenID(byte)], logits: .none)
                written.append(byte)
            }
            let beam = try #require(decoder.beam)
            #expect(abs(beam.distribution.reduce(0, +) - 1) < 1e-12)
            #expect(beam.hypotheses.count == step.hypotheses, "after \(written)")
            #expect(abs(prefix - step.logPrefixProb) < Self.tolerance, "\(key), \(written)")
            for (byte, expected) in zip(step.topBytes + [256], step.topLogprobs + [step.stopLogprob]) {
                #expect(
                    abs(log(beam.distribution[byte]) - expected) < Self.tolerance,
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
                        abs(Double(logits.values[byte]) - total - expected) < Self.tolerance,
                        "\(item.name), step \(place), byte \(byte)"
                    )
                }
                guard step.margin > 2 * Self.tolerance else { break }
                let best = logits.values.indices.max { logits.values[$0] < logits.values[$1] }
                #expect(best == Int(step.byte), "\(item.name), step \(place)")
                if place + 1 < item.steps.count { logits = try await start.decoder.append(step.byte) }
            }
            // The reference also counts the pass after its last byte.
            for (member, passes) in zip(members, item.forwardPasses) {
                #expect(member.statistics.forwardPasses == passes - 1, "\(item.name): \(member.name)")
            }
        }
    }

    @Test("each member of a fusion has the reference's share in it, byte by byte along the fused text")
    func members() async throws {
        let lexicons = ByteLexicons(stops: .controlTokens)
        let models = [
            try await NativeFixtures.model(.smolLM2, exact: true),
            try await NativeFixtures.model(.gemma3, exact: true),
        ]
        // The fusions of a prompt write the same text, so their members are read along it once.
        var beams: [String: [ByteBeam]] = [:]
        for item in try ByteGoldens.load().fused {
            let text = item.steps.map { UInt8($0.byte) }
            #expect(text == bytes(hex: item.bytesHex))
            #expect(String(decoding: text, as: UTF8.self) == item.text)
            let prompt = try #require(ByteGoldens.prompts[item.prompt])
            let pruning = BytePruning(threshold: item.pruneRelative, maximumHypotheses: .max)
            for (member, model) in models.enumerated() {
                let key = "\(prompt)\(item.text), \(model.name)"
                if beams[key] == nil {
                    let start = try await ByteModel(model, pruning: pruning, lexicons: lexicons)
                        .startDecoding(.completion(prompt))
                    beams[key] = try await path(start, along: item.steps.map(\.byte))
                }
                for (place, (step, beam)) in zip(item.steps, beams[key] ?? []).enumerated() {
                    let difference = log(beam.distribution[Int(step.byte)]) - step.componentLogprobs[member]
                    #expect(abs(difference) < Self.tolerance, "\(key), step \(place)")
                    #expect(beam.hypotheses.count == step.hypotheses[member], "\(key), step \(place)")
                }
            }
        }
    }

    /// What is followed in front of each byte.
    private func path(_ start: DecodingStart, along bytes: [TokenID]) async throws -> [ByteBeam] {
        let decoder = try #require(start.decoder as? ByteDecoder)
        var beams: [ByteBeam] = []
        for (place, byte) in bytes.enumerated() {
            beams.append(try #require(decoder.beam))
            if place + 1 < bytes.count { _ = try await decoder.append([byte], logits: .none) }
        }
        return beams
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
