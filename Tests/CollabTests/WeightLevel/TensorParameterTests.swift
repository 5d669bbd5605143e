import Collab
import Testing

@Suite("Parameters are checked for every tensor, however they are spelled")
struct TensorParameterTests {
    private static let bad: [MergeParameter] = [
        .matching(["w": .constant(.nan)], otherwise: 0.5), .gradient([-3], layers: 4),
        .gradient([], layers: 4),
        MergeParameter { _, member in member == 0 ? -7 : 0.5 },
        .members([0.5, MergeParameter { _, _ in -1 }]),
    ]

    private func error(_ method: any MergeMethod, _ count: Int = 3) -> CollabError? {
        #expect(throws: CollabError.self, "\(method.name)") {
            let members = try (0..<count).map { try ToyCheckpoints.single("\($0)", [1, 2, Float($0), 4]) }
            return try MergedCheckpoint(nil, method, members: members).values(of: "w")
        }
    }

    @Test("shares and densities from filters, gradients and closures", arguments: bad.indices)
    func densities(_ place: Int) {
        let parameter = Self.bad[place]
        let methods: [any MergeMethod] = [
            .ties(density: parameter), .dare(density: parameter, seed: 0), .breadcrumbs(density: parameter),
            .consensus(thresholds: parameter),
        ]
        for method in methods {
            let error = error(method)
            #expect(
                error?.code == .invalidRequest && error?.message.contains("“w”") == true,
                "\(method.name)"
            )
        }
    }

    @Test("weights and factors that are no numbers")
    func weights() {
        let parameter = MergeParameter { _, _ in .nan }
        let methods: [any MergeMethod] = [
            .linear(weights: parameter, normalise: false), .taskArithmetic(weights: parameter),
            .taskArithmetic(lambda: parameter), .ties(density: 0.5, weights: parameter),
            .magMax(lambda: parameter),
        ]
        for method in methods { #expect(error(method)?.code == .invalidRequest, "\(method.name)") }
        #expect(error(SlerpMerge(t: parameter), 2)?.code == .invalidRequest)
        #expect(error(PassthroughMerge(scale: parameter), 1)?.code == .invalidRequest)
    }

    @Test("a density above 1 is named with its tensor")
    func named() {
        let error = error(.ties(density: MergeParameter { _, _ in 7 }))
        #expect(
            error?.message.contains(
                "densities of a merge must lie between 0 and 1; 7.0, for member 0 and “w”"
            ) == true
        )
    }
}
