import Testing

@testable import CollabKernels

/// Results in bfloat16 must be those of the arithmetic with floats, rounded, at every level.
@Suite("Merges rounded to bfloat16")
struct RawRoundingTests {
    /// Behind whole chunks of 128 and whole sixteens.
    private static let count = 128 * 21 + 37

    /// Inputs that are hard in one way or another.
    enum Inputs: String, CaseIterable {
        /// Multiples of few numbers: ties of votes and of rounding everywhere.
        case coarse
        /// Members near a base of all magnitudes.
        case near
        /// Unlike each other, of very unlike magnitudes, with zeros of either sign and numbers next to 0.
        case wild
        /// So near to 0 that what double precision adds to nothing shows in a sign.
        case tiny
        /// As `near`, with what is infinite or no number here and there.
        case broken

        func rows() -> [[UInt16]] {
            var random = TestRandom(seed: 5)
            func bits(_ value: Float) -> UInt16 { UInt16(value.bitPattern >> 16) }
            func any() -> UInt16 {
                switch Int.random(in: 0..<8, using: &random) {
                case 0: [0, 0x8000, 1, 0x8001][Int.random(in: 0..<4, using: &random)]
                case 1: UInt16.random(in: 0..<0x7f80, using: &random)
                default:
                    UInt16.random(in: 0x3c00..<0x4000, using: &random)
                        ^ (Bool.random(using: &random) ? 0x8000 : 0)
                }
            }
            func small() -> UInt16 {
                let size = Bool.random(using: &random) ? 0 : UInt16.random(in: 0..<0x300, using: &random)
                return size ^ (Bool.random(using: &random) ? 0x8000 : 0)
            }
            let base = (0..<count).map { _ -> UInt16 in
                switch self {
                case .coarse: bits(Float(Int.random(in: -40...40, using: &random)) / 64)
                case .near, .broken: bits(Float.random(in: -0.05...0.05, using: &random))
                case .wild: any()
                case .tiny: small()
                }
            }
            let members = (0..<4).map { _ in
                base.map { stored -> UInt16 in
                    let value = Float(bitPattern: UInt32(stored) << 16)
                    switch self {
                    case .coarse: return bits(value + Float(Int.random(in: -4...4, using: &random)) / 128)
                    case .wild: return any()
                    case .tiny: return small()
                    case .near: return bits(value + Float.random(in: -0.004...0.004, using: &random))
                    case .broken:
                        let isBroken = Int.random(in: 0..<500, using: &random) == 0
                        return isBroken
                            ? [0x7f80, 0xff80, 0x7fc0, 0x7f7f][Int.random(in: 0..<4, using: &random)]
                            : bits(value + Float.random(in: -0.004...0.004, using: &random))
                    }
                }
            }
            return [base] + members
        }
    }

    /// Compares what is rounded in one way and in the other.
    private func expectSame(
        _ rows: [[UInt16]],
        _ what: String,
        floats: ([UnsafeRawPointer], UnsafeMutableBufferPointer<Float>) -> Void,
        halves: ([UnsafeRawPointer], UnsafeMutableRawBufferPointer, KernelLevel) -> Void
    ) {
        let memories = rows.map { row in
            let memory = UnsafeMutableBufferPointer<UInt16>.allocate(capacity: row.count)
            _ = memory.initialize(from: row)
            return memory
        }
        defer { memories.forEach { $0.deallocate() } }
        let addresses = memories.map { UnsafeRawPointer($0.baseAddress!) }
        var exact = [Float](repeating: 0, count: Self.count)
        exact.withUnsafeMutableBufferPointer { floats(addresses, $0) }
        let expected = exact.map { value -> UInt16 in
            let bits = value.bitPattern
            return value.isNaN ? UInt16(bits >> 16) | 0x40 : UInt16((bits + 0x7fff + (bits >> 16 & 1)) >> 16)
        }
        for level in KernelLevel.supported {
            var found = [UInt16](repeating: 0x5555, count: Self.count)
            found.withUnsafeMutableBytes { halves(addresses, $0, level) }
            #expect(found == expected, "\(what) \(level)")
        }
    }

    @Test("elections by all members alike and by unlike ones", arguments: Inputs.allCases)
    func elections(_ inputs: Inputs) {
        let rows = inputs.rows()
        let sets: [(weights: [Double], scales: [Double])] = [
            ([0.4, 0.4, 0.4, 0.4], [1, 1, 1, 1]), ([0.3, 0.1, 0.25, 0.7], [1.99, 2.013, 2.1, 1.5]),
            ([1, 1, 1, 1], [1, 1, 1, 1]), ([0.5, -0.5, 0, 0.2], [1, 1, 1, 1]),
        ]
        let thinnings: [(String, RawThinning)] = [
            ("all", .everything), ("none", .nothing),
            ("cut", .magnitude(MagnitudeCut(bits: (Float(2) / 128).bitPattern, lastEqual: 1500))),
            ("low cut", .magnitude(MagnitudeCut(bits: (Float(0.001)).bitPattern, lastEqual: 77))),
        ]
        for members in 1...4 {
            for (weights, scales) in sets {
                for combination in [MergeArithmetic.Combination.sum, .weightedMean, .mean] {
                    for factor in [1, 0.9, -1] {
                        for (name, thinning) in thinnings {
                            let rule = RawCombination(
                                thinnings: Array(repeating: thinning, count: members),
                                scales: Array(scales[..<members]),
                                weights: Array(weights[..<members]),
                                election: (.weighted, combination),
                                factor: factor,
                                first: 0
                            )
                            expectSame(rows, "\(members) \(weights) \(combination) \(factor) \(name)") {
                                RawMerge.tasks(
                                    Array($0[1...members]),
                                    base: $0[0],
                                    rule,
                                    into: $1,
                                    level: .portable
                                )
                            } halves: {
                                RawMerge.tasks(
                                    Array($0[1...members]),
                                    base: $0[0],
                                    rule,
                                    rounding: $1,
                                    level: $2
                                )
                            }
                        }
                    }
                }
            }
        }
    }

    @Test("elections and sums of task vectors of which some elements are chosen", arguments: Inputs.allCases)
    func choices(_ inputs: Inputs) {
        let rows = inputs.rows()
        // A tensor's elements from 256 on.
        var random = TestRandom(seed: 9)
        let bits = (0..<3).map { _ in
            (0..<(256 + Self.count + 127) / 128 * 2).map { _ in
                UInt64.random(in: 0...UInt64.max, using: &random)
            }
        }
        let elections: [(MergeArithmetic.Vote, MergeArithmetic.Combination)?] = [
            nil, (.weighted, .sum), (.weighted, .weightedMean), (.sum, .weightedMean),
        ]
        for election in elections {
            for scales in [[1.0, 1, 1], [1.9, 2.1, 2]] {
                bits[0].withUnsafeBufferPointer { first in
                    bits[1].withUnsafeBufferPointer { second in
                        bits[2].withUnsafeBufferPointer { third in
                            let chosen = [first, second, third].map { RawThinning.chosen($0.baseAddress!) }
                            let rule = RawCombination(
                                thinnings: chosen,
                                scales: scales,
                                weights: [0.4, 0.4, 0.4],
                                election: election.map { (vote: $0, combination: $1) },
                                factor: 1,
                                first: 256
                            )
                            expectSame(rows, "\(scales)") {
                                RawMerge.tasks(
                                    Array($0[1...3]),
                                    base: $0[0],
                                    rule,
                                    into: $1,
                                    level: .portable
                                )
                            } halves: {
                                RawMerge.tasks(Array($0[1...3]), base: $0[0], rule, rounding: $1, level: $2)
                            }
                        }
                    }
                }
            }
        }
    }

    @Test("weighted sums", arguments: Inputs.allCases)
    func sums(_ inputs: Inputs) {
        for weights in [[0.4, 0.3, 0.2, 0.1, 0], [0.5, -0.25, 1, 2, 0.125]] {
            expectSame(inputs.rows(), "\(weights)") {
                RawMerge.weighted($0, weights: weights, into: $1, level: .portable)
            } halves: {
                RawMerge.weighted($0, weights: weights, rounding: $1, level: $2)
            }
        }
    }
}
