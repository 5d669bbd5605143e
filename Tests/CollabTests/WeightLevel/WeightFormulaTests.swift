import Collab
import Testing

@Suite("Arithmetic with checkpoints")
struct WeightFormulaTests {
    let base: SharedCheckpoint
    let math: SharedCheckpoint
    let code: SharedCheckpoint

    init() throws {
        let start = try ToyCheckpoints.random("base", seed: 1)
        base = SharedCheckpoint(start)
        math = SharedCheckpoint(try ToyCheckpoints.random("math", seed: 2, around: start))
        code = SharedCheckpoint(try ToyCheckpoints.random("code", seed: 3, around: start))
    }

    @Test("is task arithmetic, each checkpoint once")
    func taskArithmetic() throws {
        let formula = base + 0.6 * (math - base) + 0.4 * (code - base)
        #expect(formula.terms.map(\.weight) == [0, 0.6, 0.4])
        #expect(formula.name == "0.6 math + 0.4 code")
        #expect(formula.specification.architecture == "toy")
        let method = Merge(.taskArithmetic(base: base, weights: [0.6, 0.4])) {
            math
            code
        }
        for tensor in formula.tensors.map(\.name) {
            let expected = try method.values(of: tensor).map { Double($0) }
            #expect(try worst(formula.values(of: tensor), expected) < 1e-7)
        }
    }

    @Test("the operators do what arithmetic does")
    func operators() throws {
        let x = try ToyCheckpoints.single("x", [1, 2])
        let y = try ToyCheckpoints.single("y", [10, 20])
        #expect(try (x + y).values(of: "w") == [11, 22])
        #expect(try (x - y).values(of: "w") == [-9, -18])
        #expect(try (x * 2 + y / 10 - (-x)).values(of: "w") == [4, 8])
        let checkpoints: [any Checkpoint] = [x, y]
        #expect(try (checkpoints[0] + 0.5 * (checkpoints[1] - checkpoints[0])).values(of: "w") == [5.5, 11])
        let three: Double = 3
        #expect(try (three * (x + y)).values(of: "w") == [33, 66])
    }

    @Test("tensors that all terms share keep their stored form if the weights sum to 1")
    func unchanged() {
        #expect((0.6 * math + 0.4 * code).storage(of: "shared") != nil)
        #expect((base + 0.6 * (math - base)).storage(of: "shared") != nil)
        #expect((math + code).storage(of: "shared") == nil)
        #expect((1 * math).storage(of: "norm") != nil)
    }

    @Test("what cancels is described by but not read; nothing left is an error")
    func cancels() throws {
        let formula = base + (math - base)
        #expect(try formula.values(of: "norm") == math.values(of: "norm"))
        #expect(base.reads == 0)
        let error = #expect(throws: CollabError.self) { try (base - base).values(of: "norm") }
        #expect(error?.code == .emptyTeam)
    }

    @Test("merges nest")
    func nesting() throws {
        let inner = Merge(.linear()) {
            math
            code
        }
        let outer = base + 0.5 * (inner - base)
        let expected = try (0.5 * base + 0.25 * math + 0.25 * code).values(of: "norm").map { Double($0) }
        #expect(try worst(outer.values(of: "norm"), expected) < 2e-7)
    }

    @Test("weights that are not finite are refused")
    func notFinite() {
        let error = #expect(throws: CollabError.self) { try (math / 0).values(of: "norm") }
        #expect(error?.code == .invalidRequest)
    }
}
