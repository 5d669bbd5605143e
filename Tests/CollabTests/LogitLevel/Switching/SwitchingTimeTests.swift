import Testing

@testable import Collab

@Suite("Models that hand over, when the run's time is up")
struct SwitchingTimeTests {
    /// Sure of one letter that never ends a word.
    private static let members = ["one", "two"].map { name in
        var model = ToyModel(name, always: [name == "one" ? 9 : 8, 1, 0, 0, -9])
        model.contextLength = 100_000
        return model
    }

    /// About fifty looks at the clock.
    private func respond(_ rule: SwitchRule) async throws -> Response {
        let run = Run(budget: .duration(.milliseconds(500)), clock: SteppingClock(step: .milliseconds(10)))
        let options = GenerationOptions(maximumTokens: 5000, seed: 1)
        return try await SwitchingModel(rule, members: Self.members).respond(
            to: Request(.completion("a"), options: options),
            in: run
        )
    }

    @Test("an answer ends within a patch")
    func patches() async throws {
        let response = try await respond(.patches(of: 2000))
        #expect(response.ending == .budgetExhausted)
        #expect((10...50).contains(response.text.count), "\(response.text.count) tokens")
    }

    @Test("what was only tried out is dropped")
    func trials() async throws {
        for rule in [.patches(of: 2000, by: .mostConfident), SwitchRule.mentoring(share: 1, segment: 2000)] {
            let response = try await respond(rule)
            #expect(response.ending == .budgetExhausted)
            #expect(response.text.count <= 50, "\(rule.name): \(response.text.count) tokens")
        }
        #expect(try await respond(.patches(of: 2000, by: .mostConfident)).text.isEmpty)
    }
}
