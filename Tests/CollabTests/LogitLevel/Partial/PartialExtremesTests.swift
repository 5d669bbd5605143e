import Testing

@testable import Collab

@Suite("Extremes of distributions of which only the likeliest tokens are known")
struct PartialExtremesTests {
    private func entry(_ text: String, _ logprob: Double) -> PartialDistribution.Entry {
        PartialDistribution.Entry(bytes: Array(text.utf8), logprob: logprob)
    }

    @Test(
        "the least temperature draws the favourite",
        arguments: [.leastNonzeroMagnitude, 1e-300, 1e-38, 1e-3]
    )
    func cold(temperature: Double) async throws {
        let members = [
            ToyModel("one", always: [-1, 2, 1, 0, -1]), ToyModel("two", always: [0, 1, 1, 0, -1]),
        ]
        let partial = PartialFusion(.mixture, members: members.map { TopsOfLogits($0) })
        let options = GenerationOptions(maximumTokens: 3, sampling: .temperature(temperature), seed: 1)
        #expect(try await partial.respond(to: Request(.completion("a"), options: options)).text == "bbb")
    }

    @Test("tokens of equal bytes that are all impossible are impossible")
    func impossible() {
        let known = PartialDistribution([entry("a", -0.1), entry("b", -.infinity), entry("b", -.infinity)])
        #expect(known.logprob(of: Array("b".utf8)) == -.infinity)
        #expect(known.entries.allSatisfy { !$0.logprob.isNaN } && !known.unseenMass.isNaN)
    }

    @Test("a log-probability that is no number is an error")
    func broken() throws {
        let rule = try IntervalFusion(.mixture, memberCount: 2)
        let whole = PartialDistribution([entry("a", -0.1)])
        for logprob in [Double.nan, .infinity] {
            for broken in [
                PartialDistribution([entry("a", logprob), entry("b", -1)]),
                PartialDistribution([entry("a", -1)], unnamed: [logprob]),
            ] {
                let error = #expect(throws: CollabError.self) { try rule.fuse([whole, broken]) }
                #expect(error?.code == .notFinite && error?.message.contains("Member 1") == true)
            }
        }
    }
}
