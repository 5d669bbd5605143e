import Testing

@testable import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Merge methods against their definitions")
struct MergeMethodTests {
    let base: MemoryCheckpoint
    let a: MemoryCheckpoint
    let b: MemoryCheckpoint
    let c: MemoryCheckpoint

    init() throws {
        base = try ToyCheckpoints.random("base", seed: 1)
        a = try ToyCheckpoints.random("a", seed: 2, scale: 0.1, around: base)
        b = try ToyCheckpoints.random("b", seed: 3, scale: 0.1, around: base)
        c = try ToyCheckpoints.random("c", seed: 4, scale: 0.1, around: base)
    }

    func doubles(_ checkpoint: some Checkpoint, _ tensor: String) throws -> [Double] {
        try checkpoint.values(of: tensor).map { Double($0) }
    }

    /// Compares a merge of a, b and c with a definition over base and members, for every tensor.
    func check(
        _ method: some MergeMethod,
        tolerance: Double = 1e-7,
        _ definition: (_ base: [Double], _ members: [[Double]]) -> [Double]
    ) throws {
        let merged = Merge(method) {
            a
            b
            c
        }
        for tensor in ["layers.0.matrix", "norm", "shared"] {
            let expected = definition(
                try doubles(base, tensor),
                [try doubles(a, tensor), try doubles(b, tensor), try doubles(c, tensor)]
            )
            #expect(try worst(merged.values(of: tensor), expected) < tolerance, "\(tensor)")
        }
    }

    @Test("linear: the weighted mean, or sum")
    func linear() throws {
        try check(.linear(weights: [1, 0.3, 0.5])) { _, x in
            x[0].indices.map { (x[0][$0] + 0.3 * x[1][$0] + 0.5 * x[2][$0]) / 1.8 }
        }
        try check(.linear(weights: [1, -1, 0.5], normalise: false)) { _, x in
            x[0].indices.map { x[0][$0] - x[1][$0] + 0.5 * x[2][$0] }
        }
        try check(.linear()) { _, x in x[0].indices.map { (x[0][$0] + x[1][$0] + x[2][$0]) / 3 } }
    }

    @Test("task arithmetic: the base and weighted task vectors")
    func taskArithmetic() throws {
        try check(.taskArithmetic(base: base, weights: [0.6, 0.4, -0.2], lambda: 0.9)) { b, x in
            b.indices.map { e in
                b[e] + 0.9 * (0.6 * (x[0][e] - b[e]) + 0.4 * (x[1][e] - b[e]) - 0.2 * (x[2][e] - b[e]))
            }
        }
        try check(.taskArithmetic(base: base, weights: 0.5, normalise: true)) { b, x in
            b.indices.map { e in b[e] + (x[0][e] + x[1][e] + x[2][e] - 3 * b[e]) / 3 }
        }
        // Weights that cancel are not divided by.
        try check(.taskArithmetic(base: base, weights: [1, -1, 0], normalise: true)) { b, x in
            b.indices.map { e in b[e] + x[0][e] - x[1][e] }
        }
    }

    @Test("slerp turns along the arc between two tensors", arguments: [0.0, 0.3, 1, 1.5])
    func slerp(_ t: Double) throws {
        let other = try ToyCheckpoints.random("other", seed: 9)
        let merged = Merge(.slerp(t: .constant(t))) {
            base
            other
        }
        let (x, y) = (try doubles(base, "layers.0.matrix"), try doubles(other, "layers.0.matrix"))
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        let angle = acos(dot(x, y) / (dot(x, x) * dot(y, y)).squareRoot())
        let expected = zip(x, y).map { (sin((1 - t) * angle) * $0 + sin(t * angle) * $1) / sin(angle) }
        #expect(try worst(merged.values(of: "layers.0.matrix"), expected) < 1e-6)
    }

    @Test("slerp of parallel, opposite and zero tensors is a line")
    func slerpEdges() throws {
        func slerp(_ x: [Float], _ y: [Float]) throws -> [Float] {
            let (x, y) = (try ToyCheckpoints.single("x", x), try ToyCheckpoints.single("y", y))
            return try Merge(.slerp(t: 0.25)) {
                x
                y
            }.values(of: "w")
        }
        #expect(try slerp([1, 2], [2, 4]) == [1.25, 2.5])
        #expect(try slerp([1, 2], [-1, -2]) == [0.5, 1])
        let quarter = try slerp([0, 0], [1, 2])
        // The zero vector counts as orthogonal: sin(t π/2) of the other.
        #expect(abs(Double(quarter[1]) - 2 * sin(Double.pi / 8)) < 1e-6)
        #expect(try slerp([0, 0], [0, 0]) == [0, 0])
    }

    /// TIES by sorting, element by element.
    func ties(
        _ b: [Double],
        _ x: [[Double]],
        density: [Double],
        weights: [Double],
        lambda: Double = 1,
        vote: SignVote = .weighted,
        combination: SignCombination = .weightedMean,
        rescale: Bool = false
    ) -> [Double] {
        var deltas = x.map { zip($0, b).map { Double(Float($0) - Float($1)) } }
        for i in deltas.indices where density[i] < 1 {
            let d = deltas[i]
            let count = density[i] <= 0 ? 0 : max(1, Int(density[i] * Double(d.count)))
            let kept = Set(d.indices.sorted { (-abs(d[$0]), $0) < (-abs(d[$1]), $1) }.prefix(count))
            deltas[i] = d.indices.map { kept.contains($0) ? d[$0] : 0 }
            let (before, after) = (d.reduce(0) { $0 + abs($1) }, deltas[i].reduce(0) { $0 + abs($1) })
            if rescale, before > 1e-7, after > 1e-7 { deltas[i] = deltas[i].map { $0 * before / after } }
        }
        var result = b
        for e in b.indices {
            let d = deltas.map { $0[e] }
            var election = 0.0
            for (index, value) in d.enumerated() {
                switch vote {
                case .weighted: election += weights[index] * value
                case .sum: election += value
                case .count: election += value > 0 ? 1 : value < 0 ? -1 : 0
                }
            }
            var (sum, weight, count) = (0.0, 0.0, 0.0)
            for (index, value) in d.enumerated() {
                let voice = vote == .weighted ? weights[index] * value : value
                guard election >= 0 ? voice > 0 : voice < 0 else { continue }
                sum += weights[index] * value
                weight += weights[index]
                count += 1
            }
            let divisor = combination == .sum ? 1 : combination == .mean ? count : weight
            result[e] += lambda * sum / (divisor == 0 ? 1 : divisor)
        }
        return result
    }

    @Test("TIES with every vote, combination and rescaling", arguments: [0, 0.001, 0.3, 0.8, 1])
    func ties(_ density: Double) throws {
        for vote in [SignVote.weighted, .sum, .count] {
            for combination in [SignCombination.sum, .weightedMean, .mean] {
                for rescaling in [TaskRescaling.none, .l1] {
                    let method = TIESMerge(
                        base: base,
                        density: [.constant(density), 0.5, 1],
                        weights: [1, -0.5, 0.8],
                        lambda: 0.8,
                        vote: vote,
                        combination: combination,
                        rescaling: rescaling
                    )
                    try check(method, tolerance: 1e-6) { b, x in
                        ties(
                            b,
                            x,
                            density: [density, 0.5, 1],
                            weights: [1, -0.5, 0.8],
                            lambda: 0.8,
                            vote: vote,
                            combination: combination,
                            rescale: rescaling == .l1
                        )
                    }
                }
            }
        }
    }

    @Test("without a base of its own, the first member is the base")
    func firstMember() throws {
        let explicit = Merge(.ties(base: base, density: 0.5)) {
            a
            b
        }
        let implicit = Merge(.ties(density: 0.5)) {
            base
            a
            b
        }
        #expect(try explicit.values(of: "norm") == implicit.values(of: "norm"))
        #expect(implicit.specification.architecture == "toy")
    }

    @Test("DARE keeps a share of each task vector, scaled so that its size stays")
    func dare() throws {
        let merged = Merge(.dare(base: base, density: 0.4, seed: 3)) { a }
        let b = try doubles(base, "layers.0.matrix")
        let deltas = zip(try doubles(a, "layers.0.matrix"), b).map { $0 - $1 }
        let updates = zip(try doubles(merged, "layers.0.matrix"), b).map { abs($0 - $1) > 1e-6 ? $0 - $1 : 0 }
        let kept = updates.indices.filter { updates[$0] != 0 }
        #expect(abs(Double(kept.count) / Double(b.count) - 0.4) < 0.12)
        let scale = deltas.reduce(0) { $0 + abs($1) } / kept.reduce(0) { $0 + abs(deltas[$1]) }
        let paper = Merge(.dare(base: base, density: 0.4, seed: 3, rescaling: .inverseDensity)) { a }
        let values = try doubles(paper, "layers.0.matrix")
        for index in kept where abs(deltas[index]) > 1e-2 {
            #expect(abs(updates[index] / deltas[index] - scale) < 1e-3)
            #expect(abs((values[index] - b[index]) / deltas[index] - 2.5) < 1e-3)
        }
    }

    @Test("DARE with nothing dropped is task arithmetic, with all dropped the base")
    func dareExtremes() throws {
        // Task vectors are rounded to single precision here.
        try check(.dare(base: base, density: 1, seed: 1, weights: [0.6, 0.4, 0.1]), tolerance: 1e-5) { b, x in
            b.indices.map { e in
                b[e] + 0.6 * (x[0][e] - b[e]) + 0.4 * (x[1][e] - b[e]) + 0.1 * (x[2][e] - b[e])
            }
        }
        try check(.dare(base: base, density: 0, seed: 1), tolerance: 1e-12) { b, _ in b }
        try check(.ties(base: base, density: 0), tolerance: 1e-12) { b, _ in b }
        try check(.dare(base: base, density: 1, seed: 1, normalise: true, vote: .weighted), tolerance: 1e-6) {
            b,
            x in
            ties(b, x, density: [1, 1, 1], weights: [1, 1, 1])
        }
    }

    @Test("DARE depends on the seed, the tensor and the member, and not on slices")
    func dareSeeds() throws {
        func merged(_ seed: UInt64) -> Merge<CheckpointMembers> {
            Merge(.dare(base: base, density: 0.5, seed: seed)) {
                a
                b
            }
        }
        let values = try merged(1).values(of: "layers.0.matrix")
        #expect(try merged(1).values(of: "layers.0.matrix") == values)
        #expect(try merged(2).values(of: "layers.0.matrix") != values)
        #expect(try merged(1).values(of: "layers.0.matrix", inSlicesOf: 50) == values)
        let twin = Merge(.dare(base: base, density: 0.5, seed: 1, rescaling: .none)) {
            a
            a
        }
        // Had both members the same mask, every element would have moved by 0 or 2 d.
        let (start, goal) = (try doubles(base, "layers.0.matrix"), try doubles(a, "layers.0.matrix"))
        let moved = try doubles(twin, "layers.0.matrix")
        let once = start.indices.filter { index in
            let step = goal[index] - start[index]
            return abs(step) > 1e-2 && abs((moved[index] - start[index]) / step - 1) < 1e-3
        }
        #expect(once.count > 50)
    }
}
