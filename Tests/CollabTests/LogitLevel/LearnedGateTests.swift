import CollabTesting
import Testing

@testable import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Gates learned from examples")
struct LearnedGateTests {
    private static func likelihood(_ gate: LearnedGate, _ seen: [LearnedGate.Observation]) -> Double {
        seen.reduce(0) { sum, seen in
            let z = zip(gate.coefficients, seen.features).reduce(gate.intercept) { $0 + $1.0 * $1.1 }
            let d = 1 / (1 + exp(-z))
            return sum + log((1 - d) * seen.base + d * seen.expert)
        }
    }

    /// The reference: no small step in any direction makes the observations more probable.
    @Test("the fit is a maximum of the likelihood of a mixture")
    func maximum() {
        var generator = SeededGenerator(seed: 2)
        let seen = (0..<400).map { _ -> LearnedGate.Observation in
            let (x, y) = (generator.nextUnit(), generator.nextUnit())
            let defers = generator.nextUnit() < 1 / (1 + exp(-(6 * x - 3)))
            return LearnedGate.Observation(
                features: [x, y],
                base: defers ? 0.2 : 0.6,
                expert: defers ? 0.7 : 0.1
            )
        }
        let gate = LearnedGate.fitted(to: seen, [.entropy, .margin])
        #expect(gate.coefficients[0] > 3 && abs(gate.coefficients[1]) < 2)
        let best = Self.likelihood(gate, seen)
        for index in 0..<3 {
            for step in [-0.2, 0.2] {
                var other = gate
                if index == 2 { other.intercept += step } else { other.coefficients[index] += step }
                #expect(Self.likelihood(other, seen) < best + 1e-6)
            }
        }
    }

    @Test("a base that is unsure where it is wrong learns to defer there, and nowhere else")
    func learns() async throws {
        // After a “b” the base does not know what comes; the expert knows that it is a “c”, and nothing else.
        let base = ToyModel("base") { tokens in
            tokens.last == 1
                ? [1, 1, 0.8, 1, -9]
                : [0, 0, 0, 0, -9].enumerated().map {
                    $0.offset == (Int(tokens.last ?? 0) == 0 ? 1 : 0) ? 6 : $0.element
                }
        }
        let expert = ToyModel("expert") { tokens in tokens.last == 1 ? [0, 0, 6, 0, -9] : [0, 0, 0, 3, -9] }
        let examples = [LearnedGate.Example(Request(.completion("a")), answer: "bcabcabcabca")]
        let gate = try await LearnedGate.fitted(base: base, expert: expert, examples: examples)
        let fused = FusedModel(nil, .deferral(where: .learned(gate)), members: [base, expert])
        let options = GenerationOptions(maximumTokens: 9)
        let response = try await fused.respond(to: Request(.completion("a"), options: options))
        #expect(response.text == "bcabcabca")
    }

    @Test("there has to be something to learn from, in one vocabulary")
    func refusals() async {
        let model = ToyModel(always: [0, 0, 0, 0, 0])
        let empty = await #expect(throws: CollabError.self) {
            try await LearnedGate.fitted(base: model, expert: model, examples: [])
        }
        #expect(empty?.code == .invalidRequest)
        let other = ToyModel("other", ToyTokenizer(["x", "b", "c", "d"]), always: [0, 0, 0, 0, 0])
        let mismatch = await #expect(throws: CollabError.self) {
            try await LearnedGate.fitted(base: model, expert: other, examples: [])
        }
        #expect(mismatch?.code == .vocabularyMismatch)
    }
}
