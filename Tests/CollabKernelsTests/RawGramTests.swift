import Testing

@testable import CollabKernels

@Suite("Inner products of weights in bfloat16")
struct RawGramTests {
    private func value(_ half: UInt16) -> Double { Double(Float(bitPattern: UInt32(half) << 16)) }

    private func gram(_ rows: [[UInt16]], count: Int, offset: Int, level: KernelLevel) -> [Double] {
        var sums = [Double](repeating: 0, count: rows.count * rows.count)
        func lend(_ index: Int, _ raw: [UnsafeRawPointer]) {
            guard index < rows.count else {
                RawMerge.gram(raw, base: nil, count: count, into: &sums, level: level)
                return
            }
            rows[index].withUnsafeBytes { lend(index + 1, raw + [$0.baseAddress! + 2 * offset]) }
        }
        lend(0, [])
        return sums
    }

    @Test(
        "of two members are those of the same two among three, bit for bit, and those of a plain sum",
        arguments: [1, 16, 127, 128, 511, 512, 513, 1024, 5 * 512 + 37, 10_007]
    )
    func pairs(_ count: Int) {
        var random = TestRandom(seed: UInt64(count))
        let room = count + 3
        let first = random.floats(room).map { UInt16($0.bitPattern >> 16) }
        let second = random.floats(room).map { UInt16($0.bitPattern >> 16) }
        for offset in [0, 1, 3] {
            let places = offset..<offset + count
            let plain = (
                places.reduce(0) { $0 + value(first[$1]) * value(first[$1]) },
                places.reduce(0) { $0 + value(first[$1]) * value(second[$1]) },
                places.reduce(0) { $0 + value(second[$1]) * value(second[$1]) }
            )
            for level in KernelLevel.supported {
                let two = gram([first, second], count: count, offset: offset, level: level)
                let three = gram([first, second, second], count: count, offset: offset, level: level)
                #expect(two == [three[0], three[1], three[3], three[4]], "\(offset) \(level)")
                // Products are added up in float, 32 a lane at most.
                let tolerance = 1e-5 * max(plain.0, plain.2)
                #expect(abs(two[0] - plain.0) <= tolerance)
                #expect(abs(two[1] - plain.1) <= tolerance)
                #expect(two[2] == two[1])
                #expect(abs(two[3] - plain.2) <= tolerance)
            }
        }
    }

    @Test("of a member that holds what is no number are no number")
    func notFinite() {
        var random = TestRandom(seed: 7)
        var first = random.floats(2048).map { UInt16($0.bitPattern >> 16) }
        let second = random.floats(2048).map { UInt16($0.bitPattern >> 16) }
        for place in [0, 700, 2047] {
            let kept = first[place]
            first[place] = 0x7fc0
            for level in KernelLevel.supported {
                let sums = gram([first, second], count: 2048, offset: 0, level: level)
                #expect(sums[0].isNaN && sums[1].isNaN && sums[3].isFinite, "\(place) \(level)")
            }
            first[place] = kept
        }
    }
}
