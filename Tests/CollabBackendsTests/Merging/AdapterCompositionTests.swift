import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Adapters are composed, extracted and written")
struct AdapterCompositionTests {
    static let folder = MergeGoldens.folder.path + "/peft"

    /// A golden that PEFT 0.21.2 made with add_weighted_adapter: its name, adapters, weights, and what that is here.
    struct Case: CustomTestStringConvertible {
        var name: String
        var adapters = ["L1", "L2"]
        var weights = [0.7, 0.4]
        var composition: AdapterComposition
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "linear", composition: .factorwise(.linear)),
        Case(name: "linear-neg", weights: [1, -0.5], composition: .factorwise(.linear)),
        Case(name: "cat", composition: .concatenated),
        Case(name: "cat-neg", weights: [1, -0.5], composition: .concatenated),
        Case(name: "svd", composition: .matrixwise(.linear)),
        Case(name: "svd-neg", weights: [1, -0.5], composition: .matrixwise(.linear)),
        Case(name: "svd-svd_rank6", composition: .matrixwise(.linear, rank: 6)),
        Case(name: "ties-density0.5", composition: .factorwise(.ties(density: 0.5))),
        Case(
            name: "ties-density0.5-majority_sign_methodfrequency",
            composition: .factorwise(.ties(density: 0.5, sign: .frequency))
        ),
        Case(name: "ties_svd-density0.5", composition: .matrixwise(.ties(density: 0.5))),
        Case(name: "magnitude_prune-density0.5", composition: .factorwise(.magnitudePrune(density: 0.5))),
        Case(
            name: "magnitude_prune_svd-density0.5",
            composition: .matrixwise(.magnitudePrune(density: 0.5))
        ),
        Case(name: "dare_linear-density1.0", composition: .factorwise(.dareLinear(density: 1))),
        Case(name: "dare_ties-density1.0", composition: .factorwise(.dareTIES(density: 1))),
        Case(name: "cat", composition: .exact()),
        Case(name: "cat-neg", weights: [1, -0.5], composition: .exact()),
        Case(name: "svd", composition: .exact(rank: 4)),
        Case(
            name: "cat-unequal-ranks",
            adapters: ["L1", "L3-rslora"],
            weights: [0.5, 1.5],
            composition: .concatenated
        ),
        Case(
            name: "svd-unequal-ranks",
            adapters: ["L1", "L3-rslora"],
            weights: [0.5, 1.5],
            composition: .exact(rank: 4)
        ),
    ]

    private func adapters(_ item: Case) throws -> [(adapter: LowRankAdapter, weight: Double)] {
        try zip(item.adapters, item.weights).map {
            (try LowRankAdapter(contentsOf: "\(Self.folder)/adapters/\($0)"), $1)
        }
    }

    /// s B A, element by element.
    private func change(_ module: LowRankAdapter.Module) -> [Double] {
        let (rows, columns) = (module.shape[0], module.shape[1])
        var values = [Double](repeating: 0, count: rows * columns)
        for place in values.indices {
            let (row, column) = (place / columns, place % columns)
            for term in 0..<module.rank {
                let left = Double(module.scale) * Double(module.b[row * module.rank + term])
                values[place] += left * Double(module.a[term * columns + column])
            }
        }
        return values
    }

    private func distance(_ a: [Double], _ b: [Double]) -> Double {
        var (norm, rest) = (0.0, 0.0)
        for (x, y) in zip(a, b) {
            norm += y * y
            rest += (x - y) * (x - y)
        }
        return (rest / norm).squareRoot()
    }

    @Test("changes are those of PEFT's add_weighted_adapter", arguments: cases)
    func goldens(_ item: Case) throws {
        let composed = try LowRankAdapter("both", composing: adapters(item), by: item.composition)
        let expected = try SafetensorsCheckpoint(path: "\(Self.folder)/combined/\(item.name).safetensors")
        let deltas = expected.tensors.map(\.name).filter { $0.hasSuffix(".delta") }
        #expect(Set(composed.modules.map { $0.path + ".delta" }) == Set(deltas))
        for module in composed.modules {
            let wanted = try expected.values(of: module.path + ".delta").map { Double($0) }
            #expect(distance(change(module), wanted) < 2e-6)
        }
    }

    @Test("unequal ranks are composed exactly, with rsLoRA's scale")
    func unequalRanks() throws {
        let item = Case(name: "", adapters: ["L1", "L3-rslora"], weights: [0.5, 1.5], composition: .exact())
        let parts = try adapters(item)
        let composed = try LowRankAdapter("both", composing: parts)
        for module in composed.modules {
            var sum = [Double](repeating: 0, count: module.shape[0] * module.shape[1])
            for (adapter, weight) in parts {
                guard let own = adapter.modules.first(where: { $0.path == module.path }) else { continue }
                for (place, value) in change(own).enumerated() { sum[place] += weight * value }
            }
            #expect(distance(change(module), sum) < 2e-6)
        }
        let error = #expect(throws: CollabError.self) {
            try LowRankAdapter("both", composing: parts, by: .factorwise(.linear))
        }
        #expect(error?.code == .tensorMismatch && error?.message.contains("ranks") == true)
    }

    @Test("energy chooses the rank, and what is lost is no more than that")
    func energy() throws {
        let parts = try adapters(Self.cases[0])
        let whole = try LowRankAdapter("all", composing: parts)
        let most = try LowRankAdapter("most", composing: parts, by: .exact(energy: 0.5))
        for (module, full) in zip(most.modules, whole.modules) {
            #expect(module.rank < full.rank)
            let lost = distance(change(module), change(full))
            #expect(lost <= 0.5.squareRoot() + 1e-6 && lost > 0)
        }
    }

    @Test("an adapter minus itself changes nothing, and one of weight 1 is itself")
    func identities() throws {
        let adapter = try LowRankAdapter(contentsOf: "\(Self.folder)/adapters/L1")
        let nothing = try LowRankAdapter("nothing", composing: [(adapter, 1), (adapter, -1)])
        // Rounding may leave something next to nothing.
        for module in nothing.modules { #expect(change(module).allSatisfy { abs($0) < 1e-9 }) }
        let same = try LowRankAdapter("same", composing: [(adapter, 1)])
        for (module, own) in zip(same.modules, adapter.modules) {
            #expect(distance(change(module), change(own)) < 1e-6 && module.rank == own.rank)
        }
    }

    @Test("adapters that are no sums are refused by name", arguments: ["L4-dora", "L6-modules-to-save"])
    func noSums(_ name: String) throws {
        let adapter = try LowRankAdapter(contentsOf: "\(Self.folder)/adapters/\(name)")
        let error = #expect(throws: CollabError.self) { try LowRankAdapter("x", composing: [(adapter, 1)]) }
        #expect(error?.code == .unsupported && error?.message.contains(name) == true)
    }

    @Test("a merged adapter is extracted again, exactly where the rank is enough")
    func extraction() throws {
        let adapter = try LowRankAdapter(contentsOf: "\(Self.folder)/adapters/L1")
        let base = try MergeGoldens.input("fp32/base")
        let tuned = try adapter.applied(to: base)
        let (again, remainder) = try LowRankAdapter.extracted("again", from: tuned, over: base, rank: 4)
        #expect(remainder.leftOut.isEmpty)
        #expect(Set(again.modules.map(\.path)) == Set(adapter.modules.map(\.path)))
        for module in again.modules {
            let own = try #require(adapter.modules.first { $0.path == module.path })
            // tuned is rounded to float32, and so is its difference from the base.
            #expect(distance(change(module), change(own)) < 1e-4)
            #expect(try #require(remainder.lost[module.tensor]) < 1e-4)
        }
        let (thin, lost) = try LowRankAdapter.extracted("thin", from: tuned, over: base, rank: 1)
        #expect(thin.modules.allSatisfy { $0.rank == 1 } && lost.lost.values.allSatisfy { $0 > 0.1 })
    }

    @Test("what a whole fine-tune loses at rank 5 is what its other singular values hold")
    func extractionOfWhole() throws {
        let base = try MergeGoldens.input("fp32/base")
        let tuned = try MergeGoldens.input("fp32/ftC")
        let (adapter, remainder) = try LowRankAdapter.extracted("c", from: tuned, over: base, rank: 5)
        #expect(!remainder.leftOut.isEmpty)
        for module in adapter.modules {
            let delta = zip(
                try tuned.values(of: module.tensor),
                try base.values(of: module.tensor)
            ).map { Double($0) - Double($1) }
            let values = singularValues(delta, columns: module.shape[1])
            let share = length(Array(values.dropFirst(5))) / length(values)
            let lost = try #require(remainder.lost[module.tensor])
            #expect(abs(lost - share) < 1e-3)
        }
    }

    /// The singular values, largest first, by power iteration with deflation.
    private func singularValues(_ matrix: [Double], columns: Int) -> [Double] {
        let rows = matrix.count / columns
        var rest = matrix
        var values: [Double] = []
        func times(_ v: [Double]) -> [Double] {
            var u = [Double](repeating: 0, count: rows)
            for r in 0..<rows { for c in 0..<columns { u[r] += rest[r * columns + c] * v[c] } }
            return u
        }
        for k in 0..<min(rows, columns) {
            var v = (0..<columns).map { cos(Double($0 * (k + 2)) + 0.3) }
            for _ in 0..<400 {
                let u = times(v)
                var w = [Double](repeating: 0, count: columns)
                for r in 0..<rows { for c in 0..<columns { w[c] += rest[r * columns + c] * u[r] } }
                let norm = length(w)
                if norm < 1e-24 { break }
                v = w.map { $0 / norm }
            }
            let u = times(v)
            for r in 0..<rows { for c in 0..<columns { rest[r * columns + c] -= u[r] * v[c] } }
            values.append(length(u))
        }
        return values
    }

    private func length(_ vector: [Double]) -> Double {
        var sum = 0.0
        for value in vector { sum += value * value }
        return sum.squareRoot()
    }

    @Test(
        "what is written in PEFT's format is read again",
        arguments: ["L1", "L3-rslora", "L4-dora", "L6-modules-to-save"]
    )
    func writing(_ name: String) throws {
        let adapter = try LowRankAdapter(contentsOf: "\(Self.folder)/adapters/\(name)")
        let folder = try TemporaryFolder()
        try adapter.write(to: folder.path("adapter"), base: "base")
        let again = try LowRankAdapter(contentsOf: folder.path("adapter"))
        #expect(Set(again.modules.map(\.path)) == Set(adapter.modules.map(\.path)))
        for module in again.modules {
            let own = try #require(adapter.modules.first { $0.path == module.path })
            #expect(module.a == own.a && module.b == own.b && module.magnitudes == own.magnitudes)
            #expect(abs(module.scale - own.scale) <= own.scale.ulp)
        }
        #expect(Set(again.replacements) == Set(adapter.replacements))
    }

    @Test("ranks and alphas that differ are written as patterns")
    func patterns() throws {
        let modules = [
            try LowRankAdapter.Module(
                path: "model.layers.0.mlp.up_proj",
                rank: 1,
                scale: 2,
                a: [1, 2],
                b: [3]
            ),
            try LowRankAdapter.Module(
                path: "model.layers.1.mlp.up_proj",
                rank: 2,
                scale: 0.25,
                a: [1, 2, 3, 4],
                b: [5, 6]
            ),
        ]
        let folder = try TemporaryFolder()
        try LowRankAdapter("two", modules: modules).write(to: folder.path("two"), format: .f16)
        let again = try LowRankAdapter(contentsOf: folder.path("two"))
        #expect(Set(again.modules.map(\.rank)) == [1, 2] && Set(again.modules.map(\.scale)) == [2, 0.25])
    }
}
