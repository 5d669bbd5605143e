import Collab
import Testing

@Suite("Merges of a few numbers, worked out by hand")
struct MergeRuleTests {
    private func checkpoint(_ name: String, _ values: [Float]) throws -> any Checkpoint {
        try MemoryCheckpoint(name, tensors: [.init("w", shape: [values.count], values: values)])
    }

    private func merge(_ method: any MergeMethod, _ members: [[Float]]) throws -> [Float] {
        let members = try members.enumerated().map { try checkpoint("m\($0)", $1) }
        return try MergedCheckpoint(nil, method, members: members).values(of: "w")
    }

    @Test("ExPO goes beyond the member")
    func expo() throws {
        #expect(try merge(.expo(alpha: 0.5), [[1, 2], [3, 1]]) == [4, 0.5])
    }

    @Test("a uniform soup is the mean")
    func soup() throws {
        #expect(try merge(.uniformSoup, [[1, 2], [3, 4], [5, 0]]) == [3, 2])
    }

    @Test("MagMax takes the largest change, and of equal ones the later")
    func magMax() throws {
        #expect(try merge(.magMax(lambda: 1), [[1, 1, 1], [3, 0, 1], [-2, 2, 1]]) == [-2, 2, 1])
    }

    @Test("with an elected sign the largest change of that sign wins, and what cancels gives nothing")
    func emr() throws {
        // Changes are 4, −3, 2 (sum 3), then −5, 2, 2 (sum −1), then 1, −1, 0 (sum 0).
        let members: [[Float]] = [[0, 0, 7], [4, -5, 8], [-3, 2, 6], [2, 2, 7]]
        #expect(try merge(.emr(), members) == [4, -5, 7])
        #expect(try merge(.magMax(lambda: 1), members) == [4, -5, 6])
    }

    @Test("a consensus keeps the sum where it matters to enough members")
    func consensus() throws {
        // Changes are 3 and 3, then 4 and 0, then 5 and −4.
        let members: [[Float]] = [[1, 1, 1], [4, 5, 6], [4, 1, -3]]
        #expect(try merge(.consensus(), members) == [7, 1, 2])
        #expect(try merge(.consensus(thresholds: 1.1), members) == [1, 1, 1])
        #expect(try merge(.consensus(minimumMembers: 1, lambda: 0.5), members) == [4, 3, 1.5])
    }

    @Test("Arcee fusion takes over what is important and nothing else")
    func arceeFusion() throws {
        // One element of eight has changed far, the others a little.
        let start: [Float] = [0, 0, 0, 0, 0, 0, 0, 0]
        let tuned: [Float] = [0.01, 0.01, 0.01, 0.01, 3, 0.01, 0.01, 0.01]
        #expect(try merge(.arceeFusion(), [start, tuned]) == tuned)
        let uneven: [Float] = [0.01, 0.02, 0.03, 0.04, 3, 0.05, 0.06, 0.07]
        #expect(try merge(.arceeFusion(), [start, uneven]) == [0, 0, 0, 0, 3, 0, 0, 0])
    }

    @Test("NearSwap takes near elements and moves far ones by t")
    func nearSwap() throws {
        #expect(try merge(.nearSwap(t: 0.5), [[0, 0, 0], [0.25, 4, -2]]) == [0.25, 0.5, -0.5])
    }

    @Test("RAM keeps what one member alone has changed and averages the rest; RAM+ amplifies it")
    func ram() throws {
        let members: [[Float]] = [[0, 0, 0, 0], [1, 2, 0, 0], [0, 4, 0, 3]]
        #expect(try merge(.ram(), members) == [1, 3, 0, 3])
        #expect(try merge(.ramPlus(gain: 0.5, limit: 2), members) == [1.5, 3, 0, 4.5])
        #expect(try merge(.ramPlus(gain: 0.5, limit: 0.5), members) == [1.25, 3, 0, 3.75])
    }

    @Test("Model Stock keeps what the members agree on and drops what is at right angles")
    func modelStock() throws {
        #expect(try merge(.modelStock(), [[0, 0], [1, 0], [1, 0]]) == [1, 0])
        #expect(try merge(.modelStock(), [[0, 0], [1, 0], [0, 1]]) == [0, 0])
    }

    @Test("a Karcher mean of two unit vectors lies halfway on the circle")
    func karcher() throws {
        let half = Float(0.5).squareRoot()
        let mean = try merge(.karcher(), [[1, 0], [0, 1]])
        #expect(zip(mean, [half, half]).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(try merge(.karcher(), [[0, 0], [0, 0]]) == [0, 0])
    }

    @Test("directions that cancel: two are interpolated linearly, three have no mean")
    func cancelling() throws {
        #expect(try merge(.multislerp(), [[2, 0], [-2, 0]]) == [0, 0])
        let error = #expect(throws: CollabError.self) {
            try merge(.multislerp(weights: [1, 1, 2]), [[1, 0], [1, 0], [-1, 0]])
        }
        #expect(error?.code == .invalidRequest)
        // Nothing has been learned, which is no contradiction.
        #expect(
            try merge(.multislerp(base: checkpoint("b", [1, 2])), [[1, 2], [1, 2], [1, 2]]) == [1, 2]
        )
    }

    @Test("SCE drops what the members agree on below a share of 1")
    func sce() throws {
        let members: [[Float]] = [[0, 0, 0], [1, 4, 0], [1, 0, 1]]
        #expect(try merge(.sce(share: 0.5), members) == [0, 4, 0])
        #expect(try merge(.sce(share: 0), members) == [0, 0, 0])
    }

    @Test("breadcrumbs drop both ends")
    func breadcrumbs() throws {
        let members: [[Float]] = [[0, 0, 0, 0, 0], [5, -1, 4, 2, -3]]
        #expect(try merge(.breadcrumbs(density: 0.4, gamma: 0.2), members) == [0, 0, 4, 0, -3])
        #expect(try merge(.breadcrumbs(density: 0.4, gamma: 0), members) == [5, 0, 4, 0, 0])
        #expect(try merge(.breadcrumbs(density: 1), members) == members[1])
    }

    static let refused: [(any MergeMethod, Int)] = [
        (.nuslerp(weights: 1), 3), (.nearSwap(t: 1), 3), (.nearSwap(t: -1), 2), (.expo(alpha: 1), 3),
        (.modelStock(), 2), (.passthrough(), 2), (.passthrough(scale: .constant(.nan)), 1),
        (.multislerp(weights: [1, -1]), 2), (.multislerp(epsilon: 0), 2), (.karcher(tolerance: 0), 2),
        (.ram(epsilon: -1), 3), (.sce(share: 1.5), 3), (.breadcrumbs(density: 0.5, gamma: 2), 3),
        (.della(density: 0.1, seed: 1), 3), (.della(density: 0.9, seed: 1), 3),
        (.consensus(minimumMembers: 3), 3), (.arceeFusion(), 3),
    ]

    @Test("parameters and teams that do not fit are refused before anything is read")
    func refusals() throws {
        for (method, count) in Self.refused {
            let members = try (0..<count).map { try checkpoint("m\($0)", [1, 2]) }
            let error = #expect(throws: CollabError.self, "\(method.name)") {
                try MergedCheckpoint(nil, method, members: members).validate()
            }
            #expect(error?.code == .invalidRequest)
        }
    }
}
