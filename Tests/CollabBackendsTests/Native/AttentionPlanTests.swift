import Testing

@testable import CollabBackends

@Suite("How a step's attention is shared")
struct AttentionPlanTests {
    /// Every (row, head) that a plan covers, with the place of its result.
    private func covered(_ plan: AttentionPlan) -> [[Int]] {
        plan.items.joined().flatMap { item in
            (0..<item.count).flatMap { offset in
                item.heads.map { [item.segment, item.row + offset, item.target + offset, $0] }
            }
        }
    }

    private func plan(
        _ segments: [Range<Int>],
        wanted: [Int]? = nil,
        heads: (Int, Int) = (9, 3),
        workers: Int
    ) -> AttentionPlan {
        AttentionPlan(segments: segments, wanted: wanted, heads: heads, workers: workers) { $0 + 1 }
    }

    @Test("Every row and head is attended to once, whatever the number of workers", arguments: [1, 2, 3, 5])
    func covers(workers: Int) {
        let segments = [0..<1, 1..<40, 40..<41, 41..<49]
        let all = Set(covered(plan(segments, workers: workers)))
        #expect(covered(plan(segments, workers: workers)).count == 49 * 9)
        let expected = segments.enumerated().flatMap { segment, rows in
            rows.flatMap { row in (0..<9).map { [segment, row, row, $0] } }
        }
        #expect(all == Set(expected))
    }

    @Test("Only wanted rows are attended to, and their results lie side by side")
    func narrows() {
        let wanted = [3, 4, 5, 20, 48]
        let items = covered(plan([0..<21, 21..<49], wanted: wanted, workers: 2))
        #expect(items.count == wanted.count * 9)
        for item in items { #expect(wanted[item[2]] == item[1]) }
    }

    @Test("Heads that share keys and values stay with one worker when there is enough to share")
    func keepsGroups() {
        let plan = plan((0..<8).map { $0..<$0 + 1 }, heads: (4, 4), workers: 2)
        #expect(plan.items.joined().allSatisfy { $0.heads == 0..<4 })
        let counts = plan.items.map(\.count)
        #expect(
            counts.allSatisfy { $0 >= 2 },
            "late rows see more, so the first worker has more of them: \(counts)"
        )
    }

    @Test("A single sequence's heads are divided between the workers")
    func dividesHeads() {
        let plan = plan([0..<1], heads: (4, 4), workers: 2)
        #expect(plan.items.map { $0.map(\.heads) } == [[0..<2], [2..<4]])
    }
}
