import Collab
import CollabTesting
import Testing

@Suite("What is no finite number is an error that names it")
struct NotFiniteTests {
    private static let rules: [any MergeMethod] = [
        .linear(), .linear(weights: [0, 1]), .taskArithmetic(), .slerp(t: 0.5),
        // The base counts 0 times.
        .taskArithmetic(weights: 0.5), .isoC(), .tsvM(), .wudi(),
        .ties(density: 0.5), .ties(density: 1), .ties(density: 0), .ties(.paper, density: 0.5),
        .dare(density: 0.5, seed: 1, rescaling: .none),
        .dare(density: 0.1, seed: 1, vote: .weighted, rescaling: .none),
        .dare(density: 0.5, seed: 1, vote: .weighted),
        .dare(density: 0.5, seed: 1, rescaling: .inverseDensity),
        .della(density: 0.5, seed: 1), .della(density: 0.5, seed: 1, rescaling: .inverseDensity),
        .breadcrumbs(density: 0.5), .breadcrumbs(density: 1, vote: .sum),
        .sce(), .ram(), .ramPlus(), .magMax(), .emr(), .emr(task: 0), .tallMask(task: 1), .consensus(),
        .modelStock(),
    ]

    @Test(
        "of every element of every input, whatever the rule would make of it",
        arguments: rules.indices,
        [Float.nan, .infinity, -.infinity]
    )
    func inputs(_ rule: Int, _ bad: Float) throws {
        let values: [Float] = (0..<60).map { Float($0 % 7) - 3 }
        let fine = [
            try ToyCheckpoints.single("base", values),
            try ToyCheckpoints.single("a", values.map { $0 * 1.25 }),
            try ToyCheckpoints.single("b", values.map { 0.5 - $0 }),
        ]
        let method = Self.rules[rule]
        let members = if case .none = method.baseline { Array(fine[1...]) } else { fine }
        for (place, member) in members.enumerated() where !(method is SlerpMerge && place > 1) {
            for element in [0, 29, 59] {
                var broken = values
                broken[element] = bad
                var inputs: [any Checkpoint] = members
                inputs[place] = try ToyCheckpoints.single(member.name, broken)
                let merged = MergedCheckpoint(nil, method, members: inputs)
                let error = #expect(throws: CollabError.self) { try merged.values(of: "w") }
                #expect(error?.code == .notFinite, "\(error?.description ?? method.name)")
                #expect(
                    error?.message.contains(
                        "Element \(element) of the tensor “w” of \(member.name) is \(bad)"
                    )
                        == true,
                    "\(method.name): \(error?.message ?? "")"
                )
                let lax = MergedCheckpoint(nil, method, members: inputs, requiringFinite: false)
                #expect(throws: Never.self) { try lax.values(of: "w") }
            }
        }
    }

    @Test("in tensors that a merge leaves as they are too")
    func unchanged() throws {
        let broken = try ToyCheckpoints.single("broken", [1, 2, .nan])
        for merged in [
            MergedCheckpoint(nil, .passthrough(), members: [broken]),
            MergedCheckpoint(nil, .linear(), members: [broken, broken]),
        ] {
            let error = #expect(throws: CollabError.self) { try merged.values(of: "w") }
            #expect(error?.message.contains("Element 2 of the tensor “w” of broken is nan") == true)
        }
        let lax = MergedCheckpoint(nil, .passthrough(), members: [broken], requiringFinite: false)
        #expect(try lax.values(of: "w")[2].isNaN)
    }
}
