import Collab
import CollabTesting
import Testing

@Suite("Arithmetic with models")
struct LogitFormulaTests {
    let base = CountingModel(ToyModel("base", always: logs(0.4, 0.3, 0.2, 0.09, 0.01)))
    let expert = CountingModel(ToyModel("expert", always: logs(0.1, 0.2, 0.6, 0.09, 0.01)))
    let anti = CountingModel(ToyModel("anti", always: logs(0.6, 0.2, 0.1, 0.09, 0.01)))

    @Test("is flattened to weighted terms, each model once")
    func flattens() {
        let formula = base + 1.5 * (expert - anti)
        #expect(formula.terms.map(\.weight) == [1, 1.5, -1.5])
        #expect(formula.name == "base + 1.5 expert − 1.5 anti")
        let again = base + 2 * (base - anti) / 2 + expert * 0.5
        #expect(again.terms.map(\.weight) == [2, -1, 0.5])
        #expect((-base + expert).name == "−base + expert")
    }

    @Test("works on existentials")
    func existentials() {
        let models: [any LogitModel] = [base, expert, anti]
        let formula = models[0] + 1.5 * (models[1] - models[2])
        #expect(formula.name == "base + 1.5 expert − 1.5 anti")
        let sum = models.dropFirst().reduce(1 * models[0]) { $0 + $1 }
        #expect(sum.terms.map { $0.weight } == [1, 1, 1])
    }

    @Test("writes from the fused distribution and runs each model once")
    func writes() async throws {
        var request: Request = "a"
        request.options.maximumTokens = 2
        let formula = base + 1.0 * (expert - anti) + 0 * anti
        let response = try await formula.respond(to: request)
        // Plausible under the base (α = 0.1 of 0.4): a, b, c, d; weights p_b p_e / p_a.
        let weights = [0.4 * 0.1 / 0.6, 0.3, 0.2 * 6, 0.09]
        #expect(response.text == "cc")
        let expected = log(weights[2] / weights.reduce(0, +))
        #expect(abs((response.tokens?[0].logprob ?? 0) - expected) < 1e-5)
        #expect(base.starts == 1 && expert.starts == 1 && anti.starts == 1)
    }

    @Test("what cancels is dropped; nothing left is an error")
    func cancels() async {
        let formula = base + 0.6 * expert - 0.6 * expert
        #expect(formula.terms.map(\.model.name) == ["base"])
        let nothing = base - base
        let error = await #expect(throws: CollabError.self) { try await nothing.respond(to: "a") }
        #expect(error?.code == .emptyTeam)
    }

    @Test("the mask and the normalisation can be chosen, and make a formula a model of its own")
    func options() async throws {
        var request: Request = "a"
        request.options.maximumTokens = 1
        let free = (2 * expert - base).masked(by: .none)
        let probabilities = [0.01 / 0.4, 0.04 / 0.3, 0.36 / 0.2, 0.09, 0.01]
        let logprob = try await free.respond(to: request).tokens?[0].logprob
        #expect(abs((logprob ?? 0) - log(probabilities[2] / probabilities.reduce(0, +))) < 1e-5)
        #expect((1 * free + base).terms.count == 2)
        let mean = (base + expert).normalised()
        #expect(try await mean.respond(to: request).text == "c")
        let zero = (base - expert).normalised()
        let error = #expect(throws: CollabError.self) { try zero.validate() }
        #expect(error?.code == .invalidRequest)
    }
}

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
