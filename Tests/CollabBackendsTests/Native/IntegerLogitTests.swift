import Collab
import CollabBackends
import Foundation
import Testing

/// With 8-bit activations, the default, the engine stays as near to float32 arithmetic as 8 bits allow.
///
/// The bounds are those that the goldens' README calls fair: they are a little wider than llama.cpp's own error.
@Suite struct IntegerLogitTests {
    @Test(arguments: RealModel.allCases)
    func logitsAreNearTheReference(model: RealModel) async throws {
        let native = try await NativeFixtures.model(model)
        for item in try NativeGoldens.engine(model).cases {
            let logits = try await native.makeDecoder().append(item.promptIds, logits: .last)[0]
            let errors = zip(item.fp32Reference.top20Ids, item.fp32Reference.top20Logits).map {
                Double(logits[$0] - $1)
            }
            let rms = (errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count)).squareRoot()
            #expect(rms < 0.6, "\(item.id)")
            #expect(errors.map(abs).max()! < 1.2, "\(item.id)")
        }
    }

    /// The golden continuation is fed token by token; where its margin is clear, the engine must choose the same.
    @Test(arguments: RealModel.allCases)
    func choosesTheReferencesTokensWhereTheMarginIsClear(model: RealModel) async throws {
        let native = try await NativeFixtures.model(model)
        var agreed = 0
        var total = 0
        for item in try NativeGoldens.engine(model).cases {
            let decoder = try await native.makeDecoder()
            _ = try await decoder.append(Array(item.promptIds.dropLast()), logits: .none)
            let tokens = [item.promptIds.last!] + item.greedyIds.dropLast()
            let logits = try await decoder.append(tokens, logits: .all)
            #expect(logits.count == item.greedyIds.count)
            for (step, row) in logits.enumerated() {
                let agrees = row.best == item.greedyIds[step]
                if item.steps[step][1] > 0.5, !agrees {
                    // The margins are llama.cpp's, which rounds activations too: without rounding this one is not clear.
                    let margin = try await exactMargin(
                        model,
                        Array(item.promptIds) + item.greedyIds.prefix(step)
                    )
                    #expect(margin <= 0.5, "\(item.id), step \(step)")
                }
                agreed += agrees ? 1 : 0
                total += 1
            }
        }
        // llama.cpp's own agreement with float32 arithmetic is 98 %.
        #expect(Double(agreed) > 0.97 * Double(total))
    }

    /// By how much the most probable token is ahead of the next in float32 arithmetic.
    private func exactMargin(_ model: RealModel, _ tokens: [TokenID]) async throws -> Float {
        let native = try await NativeFixtures.model(model, exact: true)
        let logits = try await native.makeDecoder().append(tokens, logits: .last)[0]
        let best = logits.best
        let next =
            (0..<logits.count).filter { $0 != Int(best) }.map { logits[TokenID($0)] }.max() ?? -.infinity
        return logits[best] - next
    }

    /// The goldens' README allows a mean of 0.03 nats.
    @Test(arguments: RealModel.allCases)
    func distributionsAreNearThoseOfExactArithmetic(model: RealModel) async throws {
        let models = [
            try await NativeFixtures.model(model, exact: true), try await NativeFixtures.model(model),
        ]
        var divergences: [Double] = []
        for item in try NativeGoldens.engine(model).cases {
            let tokens = [item.promptIds.last!] + item.greedyIds.prefix(7)
            let rows = try await concurrently(models) { (model) async throws(CollabError) in
                let decoder = try await model.makeDecoder()
                _ = try await decoder.append(Array(item.promptIds.dropLast()), logits: .none)
                return try await decoder.append(tokens, logits: .all)
            }
            divergences += zip(rows[0], rows[1]).map { $0.divergence(from: $1) }
        }
        #expect(divergences.count >= 90)
        #expect(divergences.reduce(0, +) / Double(divergences.count) < 0.01)
        #expect(divergences.max()! < 0.15)
    }

    /// A continuation whose every margin is wide must come out as it is.
    @Test func countsAsTheReferenceCounts() async throws {
        let native = try await NativeFixtures.model(.gemma3)
        let item = try #require(NativeGoldens.engine(.gemma3).cases.first { $0.id == "counting" })
        let decoder = try await native.makeDecoder()
        var logits = try await decoder.append(item.promptIds, logits: .last)[0]
        var written: [TokenID] = []
        for _ in item.greedyIds {
            written.append(logits.best)
            logits = try await decoder.append(logits.best)
        }
        #expect(written == item.greedyIds)
    }
}
