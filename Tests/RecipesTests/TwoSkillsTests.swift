import Collab
import Recipes
import Testing

@Suite("Recipe: add two skills to one model")
struct TwoSkillsTests {
    private func checkpoint(_ name: String, _ values: [Float]) throws -> MemoryCheckpoint {
        try MemoryCheckpoint(
            name,
            specification: NamedSpecification("toy"),
            tensors: [MemoryCheckpoint.Tensor("w", shape: [values.count], values: values)]
        )
    }

    @Test("What each learned is added to the base in the given share")
    func addition() throws {
        let merged = twoSkills(
            base: try checkpoint("base", [1, 1, 1]),
            first: try checkpoint("first", [3, 1, 1]),
            second: try checkpoint("second", [1, 1, 0]),
            share: 0.5
        )
        #expect(try merged.values(of: "w") == [2, 1, 0.5])
    }

    @Test("Models of different shapes are refused before anything is computed")
    func mismatch() throws {
        let merged = twoSkills(
            base: try checkpoint("base", [1, 1]),
            first: try checkpoint("first", [3, 1]),
            second: try checkpoint("second", [1, 1, 0])
        )
        let error = #expect(throws: CollabError.self) { try merged.values(of: "w") }
        #expect(error?.code == .tensorMismatch)
    }
}
