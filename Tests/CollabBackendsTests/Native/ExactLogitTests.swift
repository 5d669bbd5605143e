import Collab
import CollabBackends
import CollabKernels
import Foundation
import Testing

/// With float activations the engine computes what float32 arithmetic on the expanded weights gives.
///
/// The long case is longer than Gemma's window of 512 tokens: a mistake in the window, or in the bases of the two
/// kinds of rotation, shows there.
@Suite struct ExactLogitTests {
    /// What the goldens' README asks of an engine with float activations. The largest differences that have been found
    /// are 5e-4, in Gemma's long case of 801 tokens, and 5e-5 in all others.
    static let tolerance = 1e-3

    @Test(arguments: RealModel.allCases)
    func logitsEqualTheReference(model: RealModel) async throws {
        let native = try await NativeFixtures.model(model, exact: true)
        let prompts = try TokenGoldens.logit(model).prompts
        let golden = try NativeGoldens.exact(model)
        for item in golden.cases {
            let tokens = try self.tokens(of: item, prompts, native)
            let logits = try await native.makeDecoder().append(tokens, logits: .last)[0]
            #expect(logits.count == golden.vocab)
            let values = logits.values.map { Double($0) }
            let (checks, sum) = (item.checks, values.reduce(0, +))
            let normalizer = logits.values.withUnsafeBufferPointer { Distribution.logSumExp($0) }
            #expect(abs(sum / Double(values.count) - checks.mean) < Self.tolerance, "\(item.name)")
            #expect(abs(sum - checks.sum) < Self.tolerance * Double(values.count), "\(item.name)")
            #expect(abs(sqrt(values.reduce(0) { $0 + $1 * $1 }) / checks.l2 - 1) < 1e-4, "\(item.name)")
            #expect(abs(values.max()! - checks.max) < Self.tolerance, "\(item.name)")
            #expect(abs(values.min()! - checks.min) < Self.tolerance, "\(item.name)")
            #expect(abs(normalizer - checks.logsumexp) < Self.tolerance, "\(item.name)")
            for (id, expected) in zip(item.top50Ids + item.probeIds, item.top50Logits + item.probeLogits) {
                #expect(abs(logits[id] - expected) < Float(Self.tolerance), "\(item.name), token \(id)")
            }
        }
    }

    @Test(arguments: RealModel.allCases)
    func promptsAreScoredAsTheReferenceScoresThem(model: RealModel) async throws {
        let native = try await NativeFixtures.model(model, exact: true)
        let prompts = try TokenGoldens.logit(model).prompts
        for item in try NativeGoldens.exact(model).cases {
            let tokens = try self.tokens(of: item, prompts, native)
            let logprobs = try await native.logprobs(of: tokens)
            #expect(abs(logprobs.reduce(0, +) - item.promptLogprobSum) < Self.tolerance, "\(item.name)")
            for (logprob, expected) in zip(logprobs, item.promptTokenLogprobs ?? []) {
                #expect(abs(logprob - expected) < Self.tolerance, "\(item.name)")
            }
        }
    }

    @Test(arguments: RealModel.allCases)
    func greedyContinuationsAreTheReferences(model: RealModel) async throws {
        let native = try await NativeFixtures.model(model, exact: true)
        let prompts = try TokenGoldens.logit(model).prompts
        for item in try NativeGoldens.exact(model).cases {
            let decoder = try await native.makeDecoder()
            var logits = try await decoder.append(tokens(of: item, prompts, native), logits: .last)[0]
            for (expected, margin) in zip(item.greedy32Ids ?? [], item.greedy32Margins ?? []) {
                // Below this margin rounding decides.
                guard margin > 2 * Self.tolerance else { break }
                let best = logits.best
                #expect(best == expected, "\(item.name)")
                if best != expected { break }
                logits = try await decoder.append(best)
            }
        }
    }

    /// llama.cpp's continuation is fed token by token; where its margin is clear, the engine must choose the same.
    @Test(arguments: RealModel.allCases)
    func choosesTheTokensOfOtherEnginesWhereTheMarginIsClear(model: RealModel) async throws {
        let native = try await NativeFixtures.model(model, exact: true)
        for item in try NativeGoldens.engine(model).cases {
            let decoder = try await native.makeDecoder()
            _ = try await decoder.append(Array(item.promptIds.dropLast()), logits: .none)
            let tokens = [item.promptIds.last!] + item.greedyIds.dropLast()
            let logits = try await decoder.append(tokens, logits: .all)
            for (step, row) in logits.enumerated() where item.steps[step][1] > 0.5 {
                #expect(row.best == item.greedyIds[step], "\(item.id), step \(step)")
            }
        }
    }

    private func tokens(
        of item: NativeGoldens.Exact.Case,
        _ prompts: [TokenGoldens.Logit.Prompt],
        _ native: NativeModel
    ) throws -> [TokenID] {
        if let prompt = prompts.first(where: { $0.name == item.name }) {
            #expect(prompt.ids.count == item.nTokens, "\(item.name)")
            return prompt.ids
        }
        let unit = try #require(item.textUnit)
        let text = String(repeating: unit, count: try #require(item.repeat))
        let ids = try native.promptTokens(for: .completion(text.trimmingCharacters(in: .whitespaces)))
        #expect(ids.count == item.nTokens)
        #expect(ids.starts(with: try #require(item.firstIds)))
        #expect(Array(ids.suffix(12)) == item.lastIds)
        return ids
    }
}
