import Collab
import CollabTesting
import Testing

@Suite("A merge as a checkpoint")
struct MergedCheckpointTests {
    let base: MemoryCheckpoint
    let math: MemoryCheckpoint
    let code: MemoryCheckpoint

    init() throws {
        base = try ToyCheckpoints.random("base", seed: 1)
        math = try ToyCheckpoints.random("math", seed: 2, around: base)
        code = try ToyCheckpoints.random("code", seed: 3, around: base)
    }

    @Test("tensors that are the same everywhere keep their stored form")
    func unchanged() throws {
        let merged = Merge(.taskArithmetic(base: base, weights: 0.5)) {
            math
            code
        }
        let storage = try #require(merged.storage(of: "shared"))
        #expect(storage.format == .f32 && storage.bytes.count == 20)
        #expect(merged.storage(of: "norm") == nil)
        #expect(try merged.values(of: "shared") == [Float](repeating: 0.25, count: 5))
        let doubled = Merge(.linear(normalise: false)) {
            math
            code
        }
        #expect(doubled.storage(of: "shared") == nil, "0.25 + 0.25 is something new")
        #expect(try doubled.values(of: "shared") == [Float](repeating: 0.5, count: 5))
    }

    @Test("what a method measures of a tensor is measured once, however many slices are read")
    func measuredOnce() throws {
        let counted = SharedCheckpoint(math)
        let merged = Merge(.slerp(t: 0.5)) {
            counted
            code
        }
        _ = try merged.values(of: "layers.0.matrix", inSlicesOf: 13)
        #expect(counted.reads == 18)
    }

    @Test("many threads read the same values")
    func threads() async throws {
        let merged = Merge(.ties(base: base, density: 0.3)) {
            math
            code
        }
        let tensors = (0..<16).map { _ in "layers.1.matrix" }
        let results = try await concurrently(tensors) { (tensor) async throws(CollabError) in
            try merged.values(of: tensor)
        }
        #expect(Set(results).count == 1)
    }

    @Test("tensors that do not fit are named before anything is read")
    func mismatches() throws {
        let one = try ToyCheckpoints.single("one", [1, 2])
        func error(_ tensors: MemoryCheckpoint.Tensor...) throws -> CollabError? {
            let other = try MemoryCheckpoint("other", tensors: tensors)
            let merged = Merge(.linear()) {
                one
                other
            }
            return #expect(throws: CollabError.self) { try merged.validate() }
        }
        let shape = try error(.init("w", shape: [3], values: [1, 2, 3]))
        #expect(shape?.code == .tensorMismatch)
        #expect(shape?.message.contains("“w” has the shape [3] in other and [2] in one") == true)
        #expect(try error()?.message.contains("other lacks the tensor “w”") == true)
        let extra = try error(.init("w", shape: [2], values: [1, 2]), .init("v", shape: [0], values: []))
        #expect(extra?.message.contains("“v” that one lacks") == true)
    }

    @Test(
        "reads outside of a tensor are refused",
        arguments: [("nothing", 0..<1), ("norm", 10..<18), ("norm", 0..<2)]
    )
    func ranges(_ tensor: String, _ range: Range<Int>) {
        let merged = Merge(.linear()) { base }
        var buffer: [Float] = [0]
        let error = #expect(throws: CollabError.self) {
            try buffer.withUnsafeMutableBufferPointer { try merged.read(tensor, elements: range, into: $0) }
        }
        #expect(error?.code == .tensorMismatch)
    }

    @Test("inputs and results that are not finite are named")
    func notFinite() throws {
        let broken = try ToyCheckpoints.single("broken", [1, .nan, 2])
        let fine = try ToyCheckpoints.single("fine", [1, 2, 3])
        for merged in [
            MergedCheckpoint(nil, .linear(), members: [fine, broken]),
            MergedCheckpoint(nil, .slerp(t: 0.5), members: [fine, broken]),
            MergedCheckpoint(nil, .ties(density: 0.5), members: [fine, broken]),
        ] {
            let error = #expect(throws: CollabError.self) { try merged.values(of: "w") }
            #expect(error?.code == .notFinite)
            #expect(error?.message.contains("Element 1 of the tensor “w” of broken") == true)
        }
        let large = try ToyCheckpoints.single("large", [1, 3e38, 2])
        let overflow = #expect(throws: CollabError.self) { try (2 * large).values(of: "w") }
        #expect(overflow?.code == .notFinite)
        #expect(overflow?.message.contains("Element 1 of the tensor “w” becomes inf") == true)
    }

    @Test(
        "parameters that do not fit are refused",
        arguments: [
            MergedCheckpoint(nil, .linear(weights: [1, 2, 3]), members: pair()),
            MergedCheckpoint(nil, .linear(weights: [1, -1]), members: pair()),
            MergedCheckpoint(nil, .linear(weights: [1, .constant(.nan)]), members: pair()),
            MergedCheckpoint(nil, .slerp(t: 0.5), members: pair() + pair()),
            MergedCheckpoint(nil, .slerp(t: .constant(.infinity)), members: pair()),
            MergedCheckpoint(nil, .ties(density: 1.5), members: pair()),
            MergedCheckpoint(nil, .ties(density: -0.1), members: pair()),
            MergedCheckpoint(nil, .dare(density: 2, seed: 0), members: pair()),
            MergedCheckpoint(nil, .taskArithmetic(lambda: .constant(.nan)), members: pair()),
        ]
    )
    func refusals(_ merged: MergedCheckpoint) {
        let error = #expect(throws: CollabError.self) { try merged.validate() }
        #expect(error?.code == .invalidRequest)
        let late = #expect(throws: CollabError.self) { try merged.values(of: "w") }
        #expect(late?.code == .invalidRequest)
    }

    static func pair() -> [any Checkpoint] {
        [1, 2].compactMap { try? ToyCheckpoints.single("c", [Float($0), 2]) }
    }

    @Test("a merge of nothing is refused")
    func empty() {
        for merged in [
            MergedCheckpoint(nil, .linear(), members: []),
            MergedCheckpoint(nil, .ties(density: 1), members: []),
            MergedCheckpoint(nil, .ties(density: 1), members: [base]),
        ] {
            let error = #expect(throws: CollabError.self) { try merged.validate() }
            #expect(error?.code == .emptyTeam)
            let late = #expect(throws: CollabError.self) { try merged.values(of: "w") }
            #expect(late?.code == .emptyTeam)
        }
    }

    @Test("memory checkpoints refuse tensors that contradict themselves")
    func memory() {
        func code(_ tensors: MemoryCheckpoint.Tensor...) -> CollabError.Code? {
            #expect(throws: CollabError.self) { try MemoryCheckpoint("m", tensors: tensors) }?.code
        }
        #expect(code(.init("w", shape: [2, 2], values: [1])) == .tensorMismatch)
        #expect(code(.init("w", shape: [-1, -1], values: [1])) == .tensorMismatch)
        #expect(code(.init("w", shape: [Int.max, 2], values: [1])) == .tensorMismatch)
        #expect(
            code(.init("w", shape: [1], values: [1]), .init("w", shape: [1], values: [1])) == .tensorMismatch
        )
    }
}
