import Testing

@testable import CollabKernels

@Suite("Samples of task vectors in bfloat16")
struct RawSampleTests {
    /// |x − base| of runs of 32 that begin at even distances, at multiples of 32 or at the end.
    private func expected(_ x: ArraySlice<UInt16>, _ base: ArraySlice<UInt16>, runs: Int) -> [UInt32] {
        let total = x.count
        func value(_ row: ArraySlice<UInt16>, _ place: Int) -> Float {
            Float(bitPattern: UInt32(row[row.startIndex + place]) << 16)
        }
        var sample: [UInt32] = []
        for run in 0..<runs {
            var start = Int(Double(run) / Double(runs) * Double(total)) / 32 * 32
            if start + 32 > total { start = total - 32 }
            for place in start..<start + 32 {
                sample.append(abs(value(x, place) - value(base, place)).bitPattern)
            }
        }
        return sample
    }

    @Test(
        "are those of a plain loop, whatever the length and wherever the weights begin",
        arguments: [32, 33, 63, 64, 100, 1000, 4096, 10_007]
    )
    func plainLoop(_ total: Int) {
        var random = TestRandom(seed: UInt64(total))
        let room = total + 9
        let x = random.floats(room).map { UInt16($0.bitPattern >> 16) }
        var base = random.floats(room).map { UInt16($0.bitPattern >> 16) }
        // Differences of 0 among them, and a number that is none.
        for place in stride(from: 5, to: room, by: 7) { base[place] = x[place] }
        base[total / 2] = 0x7fc0
        for offset in [0, 1, 3, 9] {
            for runs in [1, 2, 3, 13, total / 32] {
                let wanted = expected(
                    x[offset..<offset + total],
                    base[(9 - offset)..<(9 - offset + total)],
                    runs: runs
                )
                for level in KernelLevel.supported {
                    let found = x.withUnsafeBytes { x in
                        base.withUnsafeBytes { base in
                            RawMerge.sample(
                                x.baseAddress! + 2 * offset,
                                base: base.baseAddress! + 2 * (9 - offset),
                                of: total,
                                runs: runs,
                                level: level
                            )
                        }
                    }
                    // The payload of what is no number is left to the processor.
                    let isEqual = zip(found, wanted).allSatisfy {
                        $0 == $1 || $0 > 0x7f80_0000 && $1 > 0x7f80_0000
                    }
                    #expect(found.count == wanted.count && isEqual, "\(offset) \(runs) \(level)")
                }
            }
        }
    }
}
