import CollabTesting
import Testing

@testable import Collab

@Suite("Planning a cascade")
struct CascadePlanTests {
    /// Members of rising quality and cost, whose scores tell something.
    private func records(_ count: Int, seed: UInt64 = 1) -> [CascadePlan.Record] {
        var random = SeededGenerator(seed: seed)
        return [("a", 0.5, 1.0), ("b", 0.7, 4), ("c", 0.9, 20), ("d", 0.6, 30)].map { name, skill, cost in
            var record = CascadePlan.Record(member: name, scores: [], qualities: [], costs: [])
            for _ in 0..<count {
                let isRight = random.nextUnit() < skill
                record.qualities.append(isRight ? 1 : 0)
                record.scores.append((random.nextUnit() + (isRight ? 0.6 : 0)).rounded(toPlaces: 2))
                record.costs.append(cost * (0.5 + random.nextUnit()))
            }
            return record
        }
    }

    /// Every list and threshold, one after the other, item by item.
    private func exhaustive(_ records: [CascadePlan.Record], budget: Double, thresholds: Int) throws -> Double
    {
        let count = records[0].scores.count
        func grid(_ record: CascadePlan.Record) -> [Double] {
            let sorted = record.scores.sorted()
            return (1...thresholds).map { sorted[min(count * $0 / (thresholds + 1), count - 1)] }
        }
        var best = -Double.infinity
        func consider(_ steps: [CascadePlan.Step]) throws {
            let found = try CascadePlan(steps: steps, quality: 0, cost: 0).evaluate(on: records)
            if found.cost <= budget, found.quality > best { best = found.quality }
        }
        for a in records {
            try consider([.init(member: a.member, threshold: nil)])
            for b in records where b.member != a.member {
                for t in grid(a) {
                    try consider([
                        .init(member: a.member, threshold: t), .init(member: b.member, threshold: nil),
                    ])
                    for c in records where c.member != a.member && c.member != b.member {
                        for u in grid(b) {
                            try consider([
                                .init(member: a.member, threshold: t), .init(member: b.member, threshold: u),
                                .init(member: c.member, threshold: nil),
                            ])
                        }
                    }
                }
            }
        }
        return best
    }

    @Test("finds what trying everything finds", arguments: [0.8, 3, 8, 15, 100])
    func exhaustive(budget: Double) throws {
        let records = records(60)
        let expected = try exhaustive(records, budget: budget * 1.0, thresholds: 4)
        guard expected.isFinite else {
            #expect(throws: CollabError.self) {
                try CascadePlan.search(records, budget: budget, thresholds: 4)
            }
            return
        }
        let plan = try CascadePlan.search(records, budget: budget, thresholds: 4)
        #expect(abs(plan.quality - expected) < 1e-9)
        let measured = try plan.evaluate(on: records)
        #expect(abs(measured.quality - plan.quality) < 1e-9)
        #expect(abs(measured.cost - plan.cost) < 1e-9)
        #expect(plan.cost <= budget)
    }

    @Test("beats every single member that is within the budget, on other questions too")
    func beatsSingles() throws {
        let plan = try CascadePlan.search(records(2000), budget: 10)
        let other = try plan.evaluate(on: records(2000, seed: 2))
        #expect(other.quality > 0.75)
        #expect(other.cost < 11)
        #expect(plan.steps.last?.threshold == nil)
    }

    @Test("refuses records that do not fit together")
    func refuses() {
        var broken = records(5)
        broken[1].costs.removeLast()
        #expect(throws: CollabError.self) { try CascadePlan.search(broken, budget: 1) }
        #expect(throws: CollabError.self) { try CascadePlan.search([], budget: 1) }
    }

    @Test("is followed by a cascade: its order, and a threshold for each")
    func follows() async throws {
        let plan = CascadePlan(
            steps: [
                .init(member: "b", threshold: 0.9), .init(member: "a", threshold: 0.4),
                .init(member: "c", threshold: nil),
            ],
            quality: 0,
            cost: 0
        )
        let models = ["a", "b", "c", "d"].map {
            ScriptedModel($0, always: ScriptedAnswer($0, probability: 0.5))
        }
        let cascade = try Cascade(following: plan) { for model in models { model } }
        let answer = try await cascade.respond(to: "?")
        #expect(answer.text == "a")
        #expect(answer.trace?.calls.map(\.name) == ["b", "a"])
        #expect(
            answer.trace?.root.decisions.first?.reason.contains(
                "b: mean token probability 0.5 is not above 0.9"
            ) == true
        )
        let error = #expect(throws: CollabError.self) { try Cascade(following: plan) { models[0] } }
        #expect(error?.message.contains("“b”") == true)
    }

    @Test("A cascade with a rule for each member uses the last one for the rest")
    func each() async throws {
        let cascade = Cascade(untilEach: [.confidence(above: 0.9), .confidence(above: 0.4)]) {
            for name in ["a", "b", "c"] {
                ScriptedModel(name, always: ScriptedAnswer(name, probability: 0.5))
            }
        }
        #expect(try await cascade.respond(to: "?").text == "b")
    }
}
