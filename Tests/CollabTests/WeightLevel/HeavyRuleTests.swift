import Testing

@testable import Collab

@Suite("Rules that hold much memory")
struct HeavyRuleTests {
    /// A rule that holds a megabyte, and how often it was made.
    private struct HeavyMerge: MergeMethod {
        private struct Rule: TensorMerge {
            func merge(_ slice: TensorSlice, into output: UnsafeMutableBufferPointer<Float>) {
                for place in output.indices { output[place] = slice.members[0][place] }
            }
            var heldByteCount: Int { 1 << 20 }
        }

        let made = Protected(0)
        var name: String { "heavy" }
        var baseline: MergeBaseline { .none }
        func validate(memberCount: Int) {}
        func prepare(_ inputs: TensorInputs) -> any TensorMerge {
            made.withLock { $0 += 1 }
            return Rule()
        }
        func keepsEqual(tensor: String, memberCount: Int) -> Bool { false }
        var count: Int { made.withLock { $0 } }
    }

    @Test("are let go when as many elements have been read as there are, and not before")
    func lettingGo() throws {
        let method = HeavyMerge()
        let member = try MemoryCheckpoint(
            "m",
            tensors: [.init("w", shape: [4, 5], values: (0..<20).map(Float.init))]
        )
        let merged = MergedCheckpoint(nil, method, members: [member])
        for start in stride(from: 15, through: 0, by: -5) {
            #expect(
                try merged.values(of: "w", elements: start..<start + 5) == (start..<start + 5).map(Float.init)
            )
            #expect(method.count == 1)
        }
        _ = try merged.values(of: "w", elements: 0..<5)
        #expect(method.count == 2)
        _ = try merged.values(of: "w", elements: 5..<20)
        #expect(method.count == 2)
        _ = try merged.values(of: "w")
        #expect(method.count == 3)
    }
}
