import Collab
import Testing

@Suite("Merges of tensors that do not fit one block")
struct MergeSliceTests {
    /// Rows of 300 do not end where blocks do.
    static let shape = [221, 300]

    private func values(seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<(Self.shape[0] * Self.shape[1])).map { _ in Float(generator.nextUnit() - 0.5) }
    }

    private func checkpoint(_ values: [Float], shape: [Int] = shape) throws -> any Checkpoint {
        try MemoryCheckpoint("m", tensors: [.init("w", shape: shape, values: values)])
    }

    static let methods: [(any MergeMethod, Int)] = [
        (.modelStock(), 3), (.modelStock(scope: .rows), 3), (.modelStock(scope: .columns), 3),
        (.breadcrumbs(density: 0.5, gamma: 0.1), 2), (.sce(share: 0.4), 3),
        (.della(density: 0.5, seed: 7), 2),
        (.della(density: 0.5, seed: 7, rescaling: .inverseDensity), 2), (.arceeFusion(), 2),
    ]

    @Test("a result does not depend on how it is read")
    func slices() throws {
        for (method, count) in Self.methods {
            let members = try (0..<count).map { try checkpoint(values(seed: UInt64($0))) }
            let merged = MergedCheckpoint(nil, method, members: members)
            let whole = try merged.values(of: "w")
            var pieces = [Float](repeating: .nan, count: whole.count)
            try pieces.withUnsafeMutableBufferPointer { buffer in
                // Backwards, and across a block's end.
                for range in [66_001..<whole.count, 65_501..<66_001, 17..<65_501, 0..<17] {
                    try merged.read("w", elements: range, into: .init(rebasing: buffer[range]))
                }
            }
            #expect(whole == pieces, "\(method.name)")
        }
    }

    @Test("a row is merged as if it were a tensor of its own", arguments: [0, 218, 220])
    func rows(_ row: Int) throws {
        let all = (0..<3).map { values(seed: UInt64($0)) }
        let range = row * 300..<(row + 1) * 300
        for (byRows, alone) in [
            (ModelStockMerge(scope: .rows) as any MergeMethod, ModelStockMerge() as any MergeMethod),
            (NuSLERPMerge(weights: [1, 2], scope: .rows), NuSLERPMerge(weights: [1, 2])),
        ] {
            let members = byRows is NuSLERPMerge ? Array(all.prefix(2)) : all
            let whole = try MergedCheckpoint(nil, byRows, members: members.map { try checkpoint($0) })
            let single = try MergedCheckpoint(
                nil,
                alone,
                members: members.map { try checkpoint(Array($0[range]), shape: [300]) }
            )
            let (ours, expected) = (try whole.values(of: "w")[range], try single.values(of: "w"))
            #expect(zip(ours, expected).allSatisfy { abs($0 - $1) < 1e-6 })
        }
    }
}
