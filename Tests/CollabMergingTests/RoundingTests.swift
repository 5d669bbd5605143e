import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("What is stored is the exact result, rounded once")
struct RoundingTests {
    /// Whether no number of eight significant bits is nearer to a value. Weights that sum to ½ put many results halfway
    /// between two, where the last bits of double precision must not decide which of them is right.
    private func isNearest(_ stored: Float, to value: Double) -> Bool {
        guard value != 0 else { return stored == 0 }
        let unit = scalbn(1.0, Int(value.exponent) - 7)
        return abs(Double(stored) - value) <= 0.5 * unit * (1 + 1e-6)
    }

    private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    /// What a configuration says of a tensor of base and members, in double precision.
    private func exact(_ name: String, _ base: [Double], _ x: [[Double]]) -> [Double] {
        let places = base.indices
        switch name {
        case "linear-bf16": return places.map { 0.5 * x[0][$0] + 0.3 * x[1][$0] + 0.2 * x[2][$0] }
        case "task-arithmetic-bf16":
            return places.map { place in
                base[place] + 0.6 * (x[0][place] - base[place]) + 0.4 * (x[1][place] - base[place])
                    + 0.3 * (x[2][place] - base[place])
            }
        case "slerp-bf16":
            let cosine = dot(x[0], x[1]) / (dot(x[0], x[0]) * dot(x[1], x[1])).squareRoot()
            if abs(cosine) > 0.9995 { return places.map { 0.5 * x[0][$0] + 0.5 * x[1][$0] } }
            let angle = acos(cosine)
            let part = sin(0.5 * angle) / sin(angle)
            return places.map { part * x[0][$0] + part * x[1][$0] }
        default:
            let changes = x.map { zip($0, base).map { $0 - $1 } }
            var sum = 0.0
            for (first, second) in [(0, 1), (0, 2), (1, 2)] {
                let lengths = (dot(changes[first], changes[first]) * dot(changes[second], changes[second]))
                    .squareRoot()
                sum += min(1, max(-1, dot(changes[first], changes[second]) / max(lengths, 1e-6)))
            }
            let cosine = sum / 3
            let share = 3 * cosine / (1 + 2 * cosine)
            return places.map { place in
                share * (x[0][place] + x[1][place] + x[2][place]) / 3 + (1 - share) * base[place]
            }
        }
    }

    @Test(
        "at least 99.8 % of all elements in bfloat16 are the exact ones rounded once",
        arguments: ["linear-bf16", "task-arithmetic-bf16", "slerp-bf16", "model-stock-bf16"]
    )
    func rounding(_ name: String) async throws {
        let scratch = try ScratchFolder()
        let plan = try MergeFixtures.plan(name)
        let text = try MergeFixtures.configuration(name)
        _ = try await MergeWriter(plan, to: scratch.path + "/out", configuration: text).run()
        let written = try SafetensorsCheckpoint(path: scratch.path + "/out")
        let folder = MergeFixtures.folder + "/inputs/bf16/"
        let models = try ["base", "ftA", "ftB", "ftC"].map { try SafetensorsCheckpoint(path: folder + $0) }
        var (count, right) = (0, 0)
        for tensor in written.tensors {
            #expect(tensor.format == .bf16)
            let values = try models.map { try $0.values(of: tensor.name).map { Double($0) } }
            let exact = exact(name, values[0], Array(values.dropFirst()))
            for (value, wanted) in zip(try written.values(of: tensor.name), exact) {
                count += 1
                if isNearest(value, to: wanted) { right += 1 }
            }
        }
        #expect(Double(right) >= 0.998 * Double(count), "\(right) of \(count)")
    }
}
