import Collab
import CollabBackends
import Foundation
import Testing

@Suite("DELLA has the reference's statistics")
struct DELLAStatisticsTests {
    struct Statistics: Decodable {
        var keep_rate_mean: Double
        var keep_frequency_by_row_rank_decile: [Double]
        var mean_update_over_delta_regression_slope: Double
        var mean_update_over_delta_slope_small_half: Double
    }

    /// What a merge of one member does over many seeds, measured as the reference's was.
    private func statistics(_ method: (any Checkpoint, UInt64) -> DELLAMerge) throws -> Statistics {
        let file = try MergeGoldens.checkpoint("random/inputs.safetensors")
        let (start, tuned) = (try file.values(of: "base"), try file.values(of: "a"))
        let base = try MemoryCheckpoint("base", tensors: [.init("w", shape: [60, 90], values: start)])
        let member = try MemoryCheckpoint("a", tensors: [.init("w", shape: [60, 90], values: tuned)])
        let deltas = zip(tuned, start).map { Double($0) - Double($1) }
        var mean = [Double](repeating: 0, count: deltas.count)
        var kept = [Double](repeating: 0, count: deltas.count)
        let seeds = 60
        for seed in 0..<seeds {
            let merge = MergedCheckpoint(nil, method(base, UInt64(seed)), members: [member])
            for (index, value) in try merge.values(of: "w").enumerated() {
                let update = Double(value) - Double(start[index])
                mean[index] += update / Double(seeds)
                if abs(update) > 1e-7 { kept[index] += 1 / Double(seeds) }
            }
        }
        var deciles = [[Double]](repeating: [], count: 10)
        for row in 0..<60 {
            let order = (row * 90..<(row + 1) * 90).sorted { abs(deltas[$0]) < abs(deltas[$1]) }
            for (rank, index) in order.enumerated() { deciles[min(9, rank * 10 / 89)].append(kept[index]) }
        }
        let median = deltas.map(abs).sorted()[2700]
        func slope(_ isIncluded: (Double) -> Bool) -> Double {
            let pairs = zip(mean, deltas).filter { isIncluded($1) }
            return pairs.reduce(0) { $0 + $1.0 * $1.1 } / pairs.reduce(0) { $0 + $1.1 * $1.1 }
        }
        return Statistics(
            keep_rate_mean: kept.reduce(0, +) / 5400,
            keep_frequency_by_row_rank_decile: deciles.map { $0.reduce(0, +) / Double($0.count) },
            mean_update_over_delta_regression_slope: slope { _ in true },
            mean_update_over_delta_slope_small_half: slope { abs($0) < median }
        )
    }

    @Test(
        "keep rate by rank and the bias of one scale for all",
        arguments: [
            ("della_linear p=0.5 eps=0.15", 0.5, 0.15, nil), ("della_linear p=0.3 eps=0.25", 0.3, 0.25, nil),
            ("della one model p=0.6 eps=0.1 (normalises)", 0.6, 0.1, SignVote.weighted),
        ]
    )
    func reference(_ name: String, _ density: Double, _ epsilon: Double, _ vote: SignVote?) throws {
        let json = try Data(contentsOf: MergeGoldens.folder.appendingPathComponent("random/stats.json"))
        let entries = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        let entry = try JSONSerialization.data(withJSONObject: try #require(entries[name]))
        let expected = try JSONDecoder().decode(Statistics.self, from: entry)
        let found = try statistics {
            DELLAMerge(
                base: $0,
                density: .constant(density),
                epsilon: .constant(epsilon),
                seed: $1,
                vote: vote
            )
        }
        #expect(abs(found.keep_rate_mean - expected.keep_rate_mean) < 0.005)
        let rates = zip(found.keep_frequency_by_row_rank_decile, expected.keep_frequency_by_row_rank_decile)
        for (ours, theirs) in rates { #expect(abs(ours - theirs) < 0.015) }
        let (ours, theirs) = (
            found.mean_update_over_delta_regression_slope, expected.mean_update_over_delta_regression_slope
        )
        #expect(abs(ours - theirs) < 0.015)
        let small = found.mean_update_over_delta_slope_small_half
        #expect(abs(small - expected.mean_update_over_delta_slope_small_half) < 0.03)
    }

    @Test("the paper's rescaling is unbiased for small and large elements alike")
    func unbiased() throws {
        let found = try statistics {
            DELLAMerge(base: $0, density: 0.5, epsilon: 0.3, seed: $1, rescaling: .inverseDensity)
        }
        #expect(abs(found.mean_update_over_delta_regression_slope - 1) < 0.015)
        #expect(abs(found.mean_update_over_delta_slope_small_half - 1) < 0.04)
    }
}
