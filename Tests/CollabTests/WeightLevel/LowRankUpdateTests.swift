import Collab
import Testing

@Suite("Low-rank changes of a checkpoint")
struct LowRankUpdateTests {
    let base: MemoryCheckpoint
    let update: LowRankUpdate

    init() throws {
        base = try ToyCheckpoints.random("base", seed: 1)
        var generator = SeededGenerator(seed: 5)
        update = try LowRankUpdate(
            tensor: "layers.0.matrix",
            scale: 0.5,
            rank: 2,
            a: (0..<34).map { _ in Float(generator.nextUnit() - 0.5) },
            b: (0..<26).map { _ in Float(generator.nextUnit() - 0.5) }
        )
    }

    /// W + s · B A by its definition.
    func expected() throws -> [Double] {
        let values = try base.values(of: "layers.0.matrix")
        return values.indices.map { index in
            let (row, column) = (index / 17, index % 17)
            let product = (0..<2).reduce(0.0) {
                $0 + Double(update.b[row * 2 + $1]) * Double(update.a[$1 * 17 + column])
            }
            return Double(values[index]) + 0.5 * product
        }
    }

    @Test("adds s · B A, in any slices")
    func adds() throws {
        let adapted = try base.adding(update)
        #expect(try worst(adapted.values(of: "layers.0.matrix"), expected()) < 1e-5)
        #expect(
            try adapted.values(of: "layers.0.matrix", inSlicesOf: 23) == adapted.values(of: "layers.0.matrix")
        )
    }

    @Test("leaves everything else as it is stored")
    func others() throws {
        let adapted = try base.adding(update)
        #expect(adapted.storage(of: "layers.0.matrix") == nil)
        #expect(adapted.storage(of: "norm")?.bytes.baseAddress == base.storage(of: "norm")?.bytes.baseAddress)
        #expect(adapted.name == "base, adapted")
    }

    @Test("two adapted variants merge by task arithmetic; what neither changes keeps its stored form")
    func merging() throws {
        let other = try LowRankUpdate(
            tensor: "layers.1.matrix",
            a: [Float](repeating: 0.1, count: 17),
            b: [Float](repeating: 0.2, count: 13)
        )
        let (left, right) = (try base.adding(update, name: "left"), try base.adding(other, name: "right"))
        let merged = Merge(.taskArithmetic(base: base)) {
            left
            right
        }
        #expect(try worst(merged.values(of: "layers.0.matrix"), expected()) < 1e-5)
        let shifted = try base.values(of: "layers.1.matrix").map { Double($0) + 0.02 }
        #expect(try worst(merged.values(of: "layers.1.matrix"), shifted) < 1e-5)
        #expect(merged.storage(of: "norm") != nil)
    }

    @Test("a change that is taken back leaves the stored form")
    func takenBack() throws {
        let adapted = try base.adding(update)
        let formula = base + 0.5 * (adapted - base) - 0.5 * (adapted - base)
        #expect(formula.terms.map(\.weight) == [1, 0])
        #expect(formula.storage(of: "layers.0.matrix") != nil)
    }

    @Test("changes that fit nothing are refused")
    func refusals() throws {
        func code(_ tensor: String, rank: Int = 1, _ a: Int, _ b: Int, value: Float = 1) -> CollabError.Code?
        {
            #expect(throws: CollabError.self) {
                try base.adding(
                    LowRankUpdate(
                        tensor: tensor,
                        rank: rank,
                        a: [Float](repeating: value, count: a),
                        b: [Float](repeating: 1, count: b)
                    )
                )
            }?.code
        }
        #expect(code("nothing", 17, 13) == .tensorMismatch)
        #expect(code("layers.0.matrix", 13, 17) == .tensorMismatch)
        #expect(code("norm", 17, 1) == .tensorMismatch)
        #expect(code("layers.0.matrix", rank: 0, 17, 13) == .tensorMismatch)
        #expect(code("layers.0.matrix", rank: 2, 17, 13) == .tensorMismatch)
        #expect(code("layers.0.matrix", 17, 13, value: .nan) == .notFinite)
    }
}
