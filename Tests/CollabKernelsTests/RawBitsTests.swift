import Testing

@testable import CollabKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Behind the last word of the bits lies a page that must not be touched: who reads on ends the process.
@Suite("The bits of chosen elements are read no further than they go")
struct RawBitsTests {
    /// Memory that ends where a forbidden page begins.
    private final class Edge {
        private let pages: UnsafeMutableRawPointer
        private let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))
        let words: UnsafeMutablePointer<UInt64>

        init(wordCount: Int) throws {
            let flags = MAP_PRIVATE | MAP_ANON
            let mapped = mmap(nil, 2 * pageSize, PROT_READ | PROT_WRITE, flags, -1, 0)
            pages = try #require(mapped == MAP_FAILED ? nil : mapped)
            #expect(mprotect(pages + pageSize, pageSize, PROT_NONE) == 0)
            words = (pages + pageSize - wordCount * 8).bindMemory(to: UInt64.self, capacity: wordCount)
            words.initialize(repeating: 0xA5A5_5A5A_0FF0_F00F, count: wordCount)
        }

        deinit { munmap(pages, 2 * pageSize) }
    }

    @Test(
        "by elections and sums, into floats and bfloat16",
        arguments: [1, 16, 17, 65, 113, 128, 144, 300, 1024 + 48],
        1...4
    )
    func tails(count: Int, memberCount: Int) throws {
        let bits = try Edge(wordCount: (count + 127) / 128 * 2)
        let rows = (0...memberCount).map { row -> [UInt16] in
            (0..<count).map { element -> UInt16 in 0x3F00 + UInt16((element * 7 + row * 13) % 128) }
        }
        let memories = rows.map { row in
            let memory = UnsafeMutableBufferPointer<UInt16>.allocate(capacity: row.count)
            _ = memory.initialize(from: row)
            return memory
        }
        defer { memories.forEach { $0.deallocate() } }
        let members = memories.dropFirst().map { UnsafeRawPointer($0.baseAddress!) }
        let base = UnsafeRawPointer(memories[0].baseAddress!)
        let elections: [(vote: MergeArithmetic.Vote, combination: MergeArithmetic.Combination)?] = [
            nil, (.weighted, .sum), (.weighted, .weightedMean), (.sum, .weightedMean),
        ]
        for election in elections {
            let rule = RawCombination(
                thinnings: members.map { _ in RawThinning.chosen(bits.words) },
                scales: [Double](repeating: 1.5, count: memberCount),
                weights: [Double](repeating: 0.5, count: memberCount),
                election: election,
                factor: 1,
                first: 0
            )
            var expected: [Float]?
            for level in KernelLevel.supported {
                var found = [Float](repeating: 0, count: count)
                found.withUnsafeMutableBufferPointer {
                    RawMerge.tasks(members, base: base, rule, into: $0, level: level)
                }
                #expect(found == expected ?? found, "\(level)")
                expected = found
                var halves = [UInt16](repeating: 0, count: count)
                halves.withUnsafeMutableBytes {
                    RawMerge.tasks(members, base: base, rule, rounding: $0, level: level)
                }
            }
        }
    }
}
