import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Merges equal the reference's")
struct MergeGoldenTests {
    @Test("every tensor of every case", arguments: MergeCase.all)
    func golden(_ golden: MergeCase) throws {
        let members = try golden.members.map { try MergeGoldens.input($0) as any Checkpoint }
        let base = try golden.base.map { try MergeGoldens.input($0) }
        let merged = MergedCheckpoint(nil, golden.method(base), members: members)
        let expected = try MergeGoldens.output(golden.name)
        let undecided = try MergeGoldens.undecided(golden.name)
        let (ours, theirs) = (Set(merged.tensors.map(\.name)), Set(expected.tensors.map(\.name)))
        #expect(golden.listsAllTensors ? ours == theirs : ours.isSuperset(of: theirs))
        var outliers = Int(golden.outlierShare * Double(expected.tensors.reduce(0) { $0 + $1.elementCount }))
        for tensor in expected.tensors {
            #expect(merged.description(of: tensor.name)?.shape == tensor.shape)
            let (ours, theirs) = (try merged.values(of: tensor.name), try expected.values(of: tensor.name))
            for index in theirs.indices where undecided[tensor.name]?.contains(index) != true {
                let difference = abs(Double(ours[index]) - Double(theirs[index]))
                guard difference > 1e-7 + golden.relativeError * abs(Double(theirs[index])) else { continue }
                outliers -= 1
                if outliers >= 0 { continue }
                Issue.record("\(tensor.name)[\(index)] is \(ours[index]), not \(theirs[index])")
                return
            }
        }
    }

    @Test("what one model alone contributes keeps its stored form")
    func unchanged() throws {
        // ftC leaves the second layer's MLP as the base has it.
        let (base, fine) = (try MergeGoldens.input("bf16/base"), try MergeGoldens.input("bf16/ftC"))
        let merged = base + 0.5 * (fine - base)
        #expect(merged.storage(of: "model.layers.1.mlp.up_proj.weight")?.format == .bf16)
        #expect(merged.storage(of: "model.layers.0.mlp.up_proj.weight") == nil)
    }

    @Test("models of another size are refused with the tensor's name")
    func mismatch() throws {
        let (base, single) = (
            try MergeGoldens.input("fp32/base"), try MergeGoldens.checkpoint("random/inputs.safetensors")
        )
        let error = #expect(throws: CollabError.self) { try (base + single).validate() }
        #expect(error?.code == .tensorMismatch)
    }
}

@Suite("DARE has the reference's statistics")
struct DAREStatisticsTests {
    struct Statistics: Decodable {
        var keep_rate_mean: Double
        var scale_mean: Double
        var mean_update_over_delta_regression_slope: Double
    }

    @Test(
        "keep rate, scale and unbiasedness over many seeds",
        arguments: [
            ("dare_linear p=0.3", 0.3, TaskRescaling.l1, false), ("dare_linear p=0.7", 0.7, .l1, false),
            ("dare_linear p=0.3 rescale off", 0.3, .none, false),
            ("dare_ties one model p=0.5", 0.5, .l1, true),
        ]
    )
    func statistics(_ name: String, _ density: Double, _ rescaling: TaskRescaling, _ isTIES: Bool) throws {
        let file = try MergeGoldens.checkpoint("random/inputs.safetensors")
        let (start, tuned) = (try file.values(of: "base"), try file.values(of: "a"))
        let base = try MemoryCheckpoint("base", tensors: [.init("w", shape: [60, 90], values: start)])
        let member = try MemoryCheckpoint("a", tensors: [.init("w", shape: [60, 90], values: tuned)])
        let deltas = zip(tuned, start).map { Double($0) - Double($1) }
        var (kept, scale) = (0.0, 0.0)
        var mean = [Double](repeating: 0, count: deltas.count)
        let seeds = 100
        for seed in 0..<seeds {
            let method = DAREMerge(
                base: base,
                density: .constant(density),
                seed: UInt64(seed),
                vote: isTIES ? .weighted : nil,
                rescaling: rescaling
            )
            let merged = try MergedCheckpoint(nil, method, members: [member]).values(of: "w")
            var scales: [Double] = []
            for index in deltas.indices {
                let update = Double(merged[index]) - Double(start[index])
                mean[index] += update / Double(seeds)
                guard abs(update) > 1e-7 else { continue }
                kept += 1
                if abs(deltas[index]) > 5e-3 { scales.append(update / deltas[index]) }
            }
            scale += scales.reduce(0, +) / Double(scales.count) / Double(seeds)
            #expect((scales.max() ?? 0) - (scales.min() ?? 0) < 1e-3, "one scale for all survivors")
        }
        let json = try Data(contentsOf: MergeGoldens.folder.appendingPathComponent("random/stats.json"))
        let all = try JSONDecoder().decode([String: Flexible].self, from: json)
        let expected = try #require(all[name]?.statistics)
        let slope =
            zip(mean, deltas).reduce(0) { $0 + $1.0 * $1.1 } / deltas.reduce(0) { $0 + $1 * $1 }
        // Four standard deviations of the mean over all seeds and 5400 elements.
        let spread = 4 * (density * (1 - density) / 5400 / Double(seeds)).squareRoot()
        #expect(abs(kept / 5400 / Double(seeds) - expected.keep_rate_mean) < 1.5 * spread)
        #expect(abs(scale - expected.scale_mean) < 0.04)
        #expect(abs(slope - expected.mean_update_over_delta_regression_slope) < 0.012)
    }

    /// An entry of the statistics; some are of other kinds.
    struct Flexible: Decodable {
        var statistics: Statistics?
        init(from decoder: any Swift.Decoder) throws { statistics = try? Statistics(from: decoder) }
    }
}
