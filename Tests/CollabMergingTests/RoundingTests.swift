import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

/// Every configuration in the fixtures whose method draws nothing and whose vocabulary is the models' own, beside its
/// formula in double precision.
@Suite("What is computed is exact, and what is stored is that, rounded once")
struct RoundingTests {
    /// The relative distance from the exact result, of which the magnitude is not taken for less than a hundredth of the
    /// tensor's largest: what is left where large numbers cancel has the error of these.
    private static let tolerance = 2e-6

    @Test("every element is the exact one to 2e-6 of itself", arguments: ExactCase.all)
    func exact(_ item: ExactCase) throws {
        let plan = try MergeFixtures.plan(yaml: item.configuration())
        let models = try ExactModels.all.get()
        var (count, wrong) = (0, 0)
        for tensor in plan.tensors {
            let exact = item.exact(ExactInputs(tensor.name, tensor.shape, models, item.type))
            let found = try plan.result.values(of: tensor.name)
            try #require(found.count == exact.count)
            let least = 0.01 * (exact.map(abs).max() ?? 0)
            for (value, wanted) in zip(found, exact) {
                count += 1
                let allowed = Self.tolerance * max(abs(wanted), least)
                if abs(Double(value) - wanted) > allowed { wrong += 1 }
            }
        }
        #expect(count > 5000 && wrong == 0, "\(wrong) of \(count)")
    }

    @Test("every configuration in the fixtures has its formula, except those that need more than formulas")
    func coverage() {
        let leftOut: Set = [
            // Their rows are found by token; that they are mergekit's is compared by the tests of configurations.
            "tok-base-task-arithmetic", "tok-from-ext-slerp", "tok-token-config-pad", "tok-union-linear",
            // What an adapter makes of its base has a test of its own.
            "lora-ref-task-arithmetic",
        ]
        let names = Set(ExactCase.all.map(\.name))
        #expect(Set(MergeFixtures.manifest.keys).subtracting(names) == leftOut)
    }

    /// Whether no number of eight significant bits is nearer to a value. Weights that sum to ½ put many results halfway
    /// between two, where the last bits of double precision must not decide which of them is right.
    private func isNearest(_ stored: Float, to value: Double) -> Bool {
        guard value != 0 else { return stored == 0 }
        let unit = scalbn(1.0, Int(value.exponent) - 7)
        return abs(Double(stored) - value) <= 0.5 * unit * (1 + 1e-6)
    }

    /// The configurations of models in bfloat16, and those of others with such models in their place.
    static let halves = ExactCase.all.filter { $0.type == "bf16" || $0.hasTwin }

    @Test("at least 99.8 % of all elements in bfloat16 are the exact ones rounded once", arguments: halves)
    func rounding(_ item: ExactCase) async throws {
        let scratch = try ScratchFolder()
        let text = try item.configuration()
            .replacing("inputs/fp32/other", with: "inputs/bf16/base")
            .replacing("inputs/fp32/", with: "inputs/bf16/")
        let plan = try MergeFixtures.plan(yaml: text)
        _ = try await MergeWriter(plan, to: scratch.path + "/out", configuration: text).run()
        let written = try SafetensorsCheckpoint(path: scratch.path + "/out")
        let models = try ExactModels.all.get()
        var (count, right) = (0, 0)
        for tensor in written.tensors {
            #expect(tensor.format == .bf16)
            let exact = item.exact(ExactInputs(tensor.name, tensor.shape, models, "bf16"))
            for (value, wanted) in zip(try written.values(of: tensor.name), exact) {
                count += 1
                if isNearest(value, to: wanted) { right += 1 }
            }
        }
        #expect(count > 5000 && Double(right) >= 0.998 * Double(count), "\(right) of \(count)")
    }
}
