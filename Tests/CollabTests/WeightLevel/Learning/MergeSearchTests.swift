import Collab
import CollabTesting
import Testing

@Suite("Searches for merges")
struct MergeSearchTests {
    /// Smallest at (0.7, −0.2).
    static let bowl: @Sendable ([Double]) async throws(CollabError) -> Double = { point in
        let (x, y) = (point[0] - 0.7, point[1] + 0.2)
        return x * x + 2 * y * y
    }

    @Test("coordinate search finds the bottom of a bowl and ends by itself")
    func coordinates() async throws {
        let search = MergeSearch(try CoordinateSearch(from: [0, 0], step: 0.5, downTo: 0.001), limit: 1000)
        let outcome = try await search.run(objective: Self.bowl)
        #expect(outcome.end == .finished)
        #expect(abs(outcome.best.point[0] - 0.7) < 0.01 && abs(outcome.best.point[1] + 0.2) < 0.01)
    }

    @Test("a swarm finds a mix that is better than every member, which is what it begins with")
    func swarm() async throws {
        // Members are corners; the best mix of them is (0.5, 0.3, 0.2).
        let objective: @Sendable ([Double]) async throws(CollabError) -> Double = { point in
            var sum = 0.0
            for (value, wanted) in zip(point, [0.5, 0.3, 0.2]) { sum += (value - wanted) * (value - wanted) }
            return sum
        }
        let search = MergeSearch(try SwarmSearch(memberCount: 3, size: 8, seed: 2), limit: 400)
        let outcome = try await search.run(objective: objective)
        #expect(outcome.trials.prefix(3).map(\.point) == [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
        let alone = outcome.trials.prefix(3).map(\.loss).min() ?? 0
        #expect(outcome.best.loss < 0.05 * alone)
        // Weights that summed to 1 still do: a swarm stays between its members.
        for trial in outcome.trials { #expect(abs(trial.point.reduce(0, +) - 1) < 1e-9) }
    }

    @Test("a swarm ends when nothing has become better for its patience")
    func patientSwarm() async throws {
        let search = MergeSearch(try SwarmSearch(memberCount: 2, patience: 3, seed: 2), limit: 100)
        let outcome = try await search.run { _ in 1 }
        #expect(outcome.end == .finished)
        // The first round is better than nothing; three more are not.
        #expect(outcome.trials.count == 2 * 4)
    }

    @Test("a greedy soup keeps what helps, best first, by hand")
    func soup() async throws {
        // Losses of averages over {a, b, c}: alone 3, 1, 2; b with c 0.5; all three 0.8.
        let objective: @Sendable ([Double]) async throws(CollabError) -> Double = { point in
            switch point.map({ $0 > 0 }) {
            case [true, false, false]: 3
            case [false, true, false]: 1
            case [false, false, true]: 2
            case [false, true, true]: 0.5
            default: 0.8
            }
        }
        let outcome = try await MergeSearch(try GreedySoupSearch(memberCount: 3), limit: 10)
            .run(objective: objective)
        #expect(outcome.best.point == [0, 0.5, 0.5] && outcome.best.loss == 0.5)
        #expect(outcome.trials.count == 5 && outcome.end == .finished)
    }

    @Test("LoraHub's search prefers small weights among equal ones")
    func loraHub() async throws {
        // Only the first weight matters, and that only up to 0.5.
        let search = try MergeSearch.loraHub(memberCount: 3, limit: 200)
        let outcome = try await search.run { point in max(0, 0.5 - point[0]) }
        #expect(abs(outcome.best.point[0] - 0.5) < 0.1)
        #expect(abs(outcome.best.point[1]) < 0.2 && abs(outcome.best.point[2]) < 0.2)
        #expect(outcome.trials.allSatisfy { $0.point.allSatisfy { (-1.5...1.5).contains($0) } })
    }

    @Test(
        "a search that was broken off goes on from its journal and ends the same",
        arguments: [0, 1, 7, 23]
    )
    func journal(_ kept: Int) async throws {
        let search = MergeSearch(try CovarianceSearch(from: [0, 0], step: 0.3, seed: 8), limit: 30)
        let whole = try await search.run(objective: Self.bowl)
        let asked = Protected(0)
        var recorded: [MergeSearch.Trial] = []
        let resumed = try await search.run(
            resuming: Array(whole.trials.prefix(kept)),
            recording: { recorded.append($0) }
        ) { (point) async throws(CollabError) in
            asked.withLock { $0 += 1 }
            return try await Self.bowl(point)
        }
        #expect(resumed == whole)
        #expect(asked.withLock { $0 } == 30 - kept)
        #expect(recorded == Array(whole.trials.dropFirst(kept)))
    }

    @Test("a journal of another search is refused")
    func foreignJournal() async throws {
        let search = MergeSearch(try CoordinateSearch(from: [0, 0], step: 0.5, downTo: 0.1), limit: 30)
        let error = await #expect(throws: CollabError.self) {
            try await search.run(
                resuming: [.init(point: [4, 4], loss: 1)],
                objective: Self.bowl
            )
        }
        #expect(error?.code == .invalidRequest && error?.message.contains("another search") == true)
    }

    @Test("a search ends at its target, its limit, or its patience, and says which")
    func ends() async throws {
        func outcome(_ limit: Int, patience: Int?, target: Double?) async throws -> MergeSearch.Outcome {
            let search = try CovarianceSearch(from: [0, 0], step: 0.3, seed: 1)
            return try await MergeSearch(search, limit: limit, patience: patience, target: target)
                .run(objective: Self.bowl)
        }
        let target = try await outcome(500, patience: nil, target: 0.01)
        #expect(target.end == .target && target.best.loss <= 0.01)
        let limit = try await outcome(10, patience: nil, target: nil)
        #expect(limit.end == .limit && limit.trials.count == 10)
        let patience = try await outcome(5000, patience: 12, target: nil)
        #expect(patience.end == .patience)
        let place = try #require(patience.trials.firstIndex(of: patience.best))
        #expect(patience.trials.count == place + 13)
    }

    @Test("points of a round can be tried at once, with the same result")
    func concurrent() async throws {
        let search = try CovarianceSearch(from: [0, 0], step: 0.3, seed: 5)
        let alone = try await MergeSearch(search, limit: 40).run(objective: Self.bowl)
        let together = try await MergeSearch(search, limit: 40, concurrency: 4).run(objective: Self.bowl)
        #expect(alone == together)
    }

    @Test("an objective's failure and a loss that is no number end the search")
    func failures() async throws {
        let search = MergeSearch(try GreedySoupSearch(memberCount: 2), limit: 5)
        let failure = await #expect(throws: CollabError.self) {
            try await search.run { (_) async throws(CollabError) in
                throw CollabError(.memoryLimit, "full")
            }
        }
        #expect(failure?.code == .memoryLimit)
        let number = await #expect(throws: CollabError.self) { try await search.run { _ in .nan } }
        #expect(number?.code == .notFinite)
    }
}
