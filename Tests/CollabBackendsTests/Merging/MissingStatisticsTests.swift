import Collab
import CollabBackends
import Testing

@Suite("Statistics that a rule cannot weigh by are refused")
struct MissingStatisticsTests {
    private func models() throws -> [any Checkpoint] {
        try [1, 2].map { (scale: Float) in
            try MemoryCheckpoint(
                "model \(scale)",
                tensors: ["fc.weight", "out.weight"].map {
                    .init($0, shape: [2, 2], values: [scale, 1, 2, 3])
                }
            )
        }
    }

    private func statistics(_ tensors: [String: [Float]]) throws -> ModelStatistics {
        ModelStatistics(
            try MemoryCheckpoint(
                "measured",
                tensors: tensors.sorted { $0.key < $1.key }.map {
                    .init($0.key, shape: [2, 2], values: $0.value)
                }
            )
        )
    }

    private let fisher: [String: [Float]] = [
        "fisher/fc.weight": [1, 2, 3, 4], "fisher/out.weight": [0, 1, 0, 1],
    ]
    private let gram: [String: [Float]] = [
        "gram/fc.weight": [2, 1, 1, 2], "gram/out.weight": [3, 0, 0, 1],
    ]

    @Test("files of another kind are found before anything is read")
    func kinds() throws {
        for (method, wanted) in [
            (
                FisherMerge(statistics: [try statistics(fisher), try statistics(gram)]) as any MergeMethod,
                "fisher/"
            ),
            (RegMeanMerge(statistics: [try statistics(gram), try statistics(fisher)]), "gram/"),
        ] {
            let error = #expect(throws: CollabError.self) {
                try MergedCheckpoint(nil, method, members: try models()).validate()
            }
            #expect(error?.code == .invalidRequest)
            #expect(error?.message.contains(wanted) == true)
        }
        for method in [
            FisherMerge(statistics: [try statistics(fisher), try statistics(fisher)]) as any MergeMethod,
            RegMeanMerge(statistics: [try statistics(gram), try statistics(gram)]),
        ] {
            let merged = MergedCheckpoint(nil, method, members: try models())
            #expect(throws: Never.self) { try merged.values(of: "fc.weight") }
        }
    }

    @Test("a weight that one member was measured for and another was not")
    func disagreement() throws {
        let (less, fewer) = (fisher.filter { $0.key.contains("out") }, gram.filter { $0.key.contains("out") })
        for method in [
            FisherMerge(statistics: [try statistics(fisher), try statistics(less)]) as any MergeMethod,
            RegMeanMerge(statistics: [try statistics(fewer), try statistics(gram)]),
        ] {
            let merged = MergedCheckpoint(nil, method, members: try models())
            let error = #expect(throws: CollabError.self) { try merged.values(of: "fc.weight") }
            #expect(error?.code == .invalidRequest && error?.message.contains("“fc.weight”") == true)
            #expect(throws: Never.self) { try merged.values(of: "out.weight") }
        }
        // Where nobody was, it is the mean.
        let both = FisherMerge(statistics: [try statistics(less), try statistics(less)])
        #expect(
            try MergedCheckpoint(nil, both, members: try models()).values(of: "fc.weight") == [1.5, 1, 2, 3]
        )
    }

    @Test("squares below 0 and what is no number", arguments: [-1, Float.nan, .infinity], [true, false])
    func values(_ bad: Float, _ normalise: Bool) throws {
        var broken = fisher
        broken["fisher/out.weight"] = [0, 1, bad, 1]
        let method = FisherMerge(
            statistics: [try statistics(fisher), try statistics(broken)],
            normalise: normalise
        )
        let merged = MergedCheckpoint(nil, method, members: try models())
        let error = #expect(throws: CollabError.self) { try merged.values(of: "out.weight") }
        #expect(error?.code == .notFinite)
        #expect(error?.message.contains("Element 2 of “fisher/out.weight” of measured is \(bad)") == true)
    }

    @Test("another shape than the weight's is named, with both")
    func shapes() throws {
        let wide = ModelStatistics(
            try MemoryCheckpoint(
                "wide",
                tensors: ["fisher/fc.weight", "gram/fc.weight"].map {
                    .init($0, shape: [2, 3], values: [1, 1, 1, 1, 1, 1])
                }
            )
        )
        for method in [
            FisherMerge(statistics: [try statistics(fisher), wide]) as any MergeMethod,
            RegMeanMerge(statistics: [try statistics(gram), wide]),
        ] {
            let merged = MergedCheckpoint(nil, method, members: try models())
            let error = #expect(throws: CollabError.self) { try merged.values(of: "fc.weight") }
            #expect(error?.code == .tensorMismatch && error?.message.contains("of wide") == true)
        }
    }

    @Test("those of other models, of which no weight has the name, are refused before the merge")
    func otherModels() throws {
        let weights = try models()[0].tensors
        for (part, own) in [(StatisticsPart.fisher, fisher), (.gram, gram)] {
            let renamed = Dictionary(uniqueKeysWithValues: own.map { ($0.key + ".other", $0.value) })
            let all = [try statistics(own), try statistics(own)]
            #expect(throws: Never.self) { try ModelStatistics.check(part, in: all, for: weights) }
            let others = [try statistics(renamed), try statistics(renamed)]
            let error = #expect(throws: CollabError.self) {
                try ModelStatistics.check(part, in: others, for: weights)
            }
            #expect(error?.code == .invalidRequest && error?.message.contains("other models") == true)
        }
    }
}
