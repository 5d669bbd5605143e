import Testing

@testable import CollabKernels

/// Every level is compared with the arithmetic in float32, whose results the kernels over bfloat16 must give bit for bit.
@Suite("Merge arithmetic over bfloat16")
struct RawMergeTests {
    /// Uneven ends behind whole chunks of 128 and behind whole sixteens.
    static let count = 128 * 21 + 37

    /// A base and three members near it: coarse numbers, so that equal magnitudes, zeros and ties in a vote occur.
    private static let rows: [[Float]] = {
        var random = TestRandom(seed: 3)
        let base = (0..<count).map { _ in Float(Int.random(in: -40...40, using: &random)) / 64 }
        let members = (0..<4).map { _ in
            base.map { $0 + Float(Int.random(in: -4...4, using: &random)) / 128 }
        }
        return [base] + members
    }()

    private static let stored = rows.map { row in row.map { UInt16($0.bitPattern >> 16) } }

    /// Lends the rows as floats and as they are stored, the base first.
    private func withRows<Value>(
        _ body: ([UnsafeBufferPointer<Float>], [UnsafeRawPointer]) throws -> Value
    ) rethrows -> Value {
        func lend(
            _ index: Int,
            _ floats: [UnsafeBufferPointer<Float>],
            _ raw: [UnsafeRawPointer]
        ) throws -> Value {
            guard index < Self.rows.count else { return try body(floats, raw) }
            return try Self.rows[index].withUnsafeBufferPointer { row in
                try Self.stored[index].withUnsafeBytes { bytes in
                    try lend(index + 1, floats + [row], raw + [bytes.baseAddress].compactMap { $0 })
                }
            }
        }
        return try lend(0, [], [])
    }

    private func output(_ body: (UnsafeMutableBufferPointer<Float>) -> Void) -> [UInt32] {
        [Float](unsafeUninitializedCapacity: Self.count) { out, count in
            body(UnsafeMutableBufferPointer(rebasing: out[..<Self.count]))
            count = Self.count
        }
        .map(\.bitPattern)
    }

    /// Task vectors of the first members, each changed by a rule.
    private func deltas(
        _ floats: [UnsafeBufferPointer<Float>],
        _ members: Int,
        _ change: (UnsafeMutableBufferPointer<Float>, Int) -> Void,
        _ body: ([UnsafeBufferPointer<Float>]) -> Void
    ) {
        let memories = (0..<members).map { member in
            let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: Self.count)
            MergeArithmetic.delta(floats[member + 1], from: floats[0], into: memory)
            change(memory, member)
            return memory
        }
        defer { memories.forEach { $0.deallocate() } }
        body(memories.map { UnsafeBufferPointer($0) })
    }

    @Test("elections of trimmed task vectors, of any number of members and with weights of either sign")
    func elections() {
        let cut = MagnitudeCut(bits: (Float(2) / 128).bitPattern, lastEqual: 1500)
        for members in 1...4 {
            for weights in [[0.4, 0.4, 0.4, 0.4], [0.3, -0.7, 0.2, -0.1], [0.5, 0, 0.5, 0]] {
                for vote in [MergeArithmetic.Vote.weighted, .sum, .count] {
                    for combination in [MergeArithmetic.Combination.sum, .weightedMean, .mean] {
                        let (weights, scales) = (Array(weights[..<members]), [1, 1.5, 2, 0.7][..<members])
                        withRows { floats, raw in
                            let expected = output { out in
                                deltas(floats, members) { delta, _ in
                                    MergeArithmetic.trim(delta, to: cut, first: 0)
                                } _: { deltas in
                                    MergeArithmetic.consensus(
                                        deltas,
                                        scales: Array(scales),
                                        weights: weights,
                                        vote: vote,
                                        combination: combination,
                                        factor: 0.9,
                                        base: floats[0],
                                        into: out
                                    )
                                }
                            }
                            for level in KernelLevel.supported {
                                let found = output { out in
                                    RawMerge.tasks(
                                        Array(raw[1...members]),
                                        base: raw[0],
                                        RawCombination(
                                            thinnings: Array(repeating: .magnitude(cut), count: members),
                                            scales: Array(scales),
                                            weights: weights,
                                            election: (vote, combination),
                                            factor: 0.9,
                                            first: 0
                                        ),
                                        into: out,
                                        level: level
                                    )
                                }
                                #expect(
                                    found == expected,
                                    "\(members) \(weights) \(vote) \(combination) \(level)"
                                )
                            }
                        }
                    }
                }
            }
        }
    }

    @Test("what is drawn is what the arithmetic in float32 keeps", arguments: [0, 0.3, 0.5, 1 - 0x1p-17, 1])
    func drawing(_ density: Double) {
        // Near where the counters need a second word, too.
        for first in [0, 1280, 1 << 36 - 256] {
            let expected = output { out in
                out.update(repeating: 1)
                MergeArithmetic.drop(
                    out,
                    first: first,
                    density: density,
                    key: 0x0123_4567_89ab_cdef,
                    stream: 5
                )
            }
            for level in KernelLevel.supported {
                var bits = [UInt64](repeating: 0, count: Self.count / 64 + 2)
                bits.withUnsafeMutableBufferPointer { bits in
                    guard let target = bits.baseAddress else { return }
                    RawMerge.draw(
                        first: first,
                        count: Self.count,
                        density: density,
                        key: 0x0123_4567_89ab_cdef,
                        stream: 5,
                        into: target,
                        level: level
                    )
                }
                let found = (0..<Self.count).map { bits[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
                #expect(found == expected.map { $0 != 0 }, "\(first) \(level)")
            }
        }
    }

    @Test("the cut of one pass is the cut of sorting, ties to the lowest index")
    func selection() throws {
        try withRows { floats, raw in
            var delta = [Float](repeating: 0, count: Self.count)
            delta.withUnsafeMutableBufferPointer {
                MergeArithmetic.delta(floats[1], from: floats[0], into: $0)
            }
            let order = delta.indices.sorted { (-abs(delta[$0]), $0) < (-abs(delta[$1]), $1) }
            let memory = BandMemory()
            for wanted in [1, 700, Self.count / 2, 2300] {
                let last = order[wanted - 1]
                try #require(delta[last] != 0)
                for level in KernelLevel.supported {
                    var selection = try #require(
                        delta.map { $0.magnitude.bitPattern }.withUnsafeBufferPointer {
                            BandSelection(count: wanted, of: Self.count, sample: $0, memory: memory)
                        }
                    )
                    // In two parts, the second of which begins between sixteens.
                    selection.add(raw[1], base: raw[0], count: 1000, first: 0, level: level)
                    let rest = Self.count - 1000
                    selection.add(raw[1] + 2000, base: raw[0] + 2000, count: rest, first: 1000, level: level)
                    let cut = try #require(selection.cut { (raw[1] + 2 * $0, raw[0] + 2 * $0) })
                    #expect(
                        cut == MagnitudeCut(bits: abs(delta[last]).bitPattern, lastEqual: last),
                        "\(level)"
                    )
                }
            }
        }
    }
}
