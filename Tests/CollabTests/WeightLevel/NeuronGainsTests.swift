import Testing

@testable import Collab

@Suite("What neurons would gain in each other's places is added up in parts")
struct NeuronGainsTests {
    /// A tensor of numbers between −½ and ½ in each of two models.
    private func models(_ shape: [Int]) throws -> (reference: SharedCheckpoint, source: SharedCheckpoint) {
        func model(_ seed: UInt64) throws -> SharedCheckpoint {
            var generator = SeededGenerator(seed: seed)
            let values = (0..<shape.reduce(1, *)).map { _ in Float(generator.nextUnit() - 0.5) }
            return SharedCheckpoint(
                try MemoryCheckpoint("m", tensors: [.init("w", shape: shape, values: values)])
            )
        }
        return (try model(1), try model(2))
    }

    private func expectGains(
        _ found: DoubleMatrix?,
        _ count: Int,
        is wanted: (_ row: Int, _ column: Int) -> Double
    ) throws {
        let found = try #require(found)
        #expect(found.rows == count && found.columns == count)
        for row in 0..<count {
            for column in 0..<count {
                #expect(abs(found.values[row * count + column] - wanted(row, column)) < 1e-12)
            }
        }
    }

    @Test("rows: inner products of all pairs, whatever the memory", arguments: [1, 60, 150, 1000])
    func rows(_ elements: Int) throws {
        let (reference, source) = try models([17, 10])
        var gains = NeuronGains(
            of: reference,
            with: source,
            neurons: 0..<17,
            count: 17,
            elementsAtOnce: elements
        )
        try gains.addRows(of: "w", columns: 10)
        try gains.addRows(of: "w", columns: 10)
        let (a, b) = (try reference.values(of: "w"), try source.values(of: "w"))
        try expectGains(gains.matrix, 17) { row, column in
            var sum = 0.0
            for place in 0..<10 { sum += Double(a[row * 10 + place]) * Double(b[column * 10 + place]) }
            return 2 * sum
        }
    }

    @Test("columns: inner products of all pairs, whatever the memory", arguments: [1, 60, 150, 1000])
    func columns(_ elements: Int) throws {
        let (reference, source) = try models([17, 10])
        var gains = NeuronGains(
            of: reference,
            with: source,
            neurons: 0..<10,
            count: 10,
            elementsAtOnce: elements
        )
        try gains.addColumns(of: "w", rows: 17)
        try gains.addColumns(of: "w", rows: 17)
        let (a, b) = (try reference.values(of: "w"), try source.values(of: "w"))
        try expectGains(gains.matrix, 10) { row, column in
            var sum = 0.0
            for place in 0..<17 { sum += Double(a[place * 10 + row]) * Double(b[place * 10 + column]) }
            return 2 * sum
        }
    }

    @Test("rows: the reference is read once, the source once for each block of it, in small slices")
    func readingRows() throws {
        let (reference, source) = try models([400, 300])
        var gains = NeuronGains(
            of: reference,
            with: source,
            neurons: 0..<400,
            count: 400,
            elementsAtOnce: 90_000
        )
        try gains.addRows(of: "w", columns: 300)
        // Blocks of 200 rows, which are two thirds of the memory.
        #expect(reference.readElements == 400 * 300)
        #expect(source.readElements == 2 * 400 * 300)
        #expect(max(reference.largestRead, source.largestRead) <= TensorInputs.blockSize)
    }

    @Test("columns: both are read once, in small slices")
    func readingColumns() throws {
        let (reference, source) = try models([400, 300])
        var gains = NeuronGains(
            of: reference,
            with: source,
            neurons: 0..<300,
            count: 300,
            elementsAtOnce: 90_000
        )
        try gains.addColumns(of: "w", rows: 400)
        #expect(reference.readElements == 400 * 300)
        #expect(source.readElements == 400 * 300)
        #expect(max(reference.largestRead, source.largestRead) <= TensorInputs.blockSize)
    }

    @Test("parts of tensors take no more memory than 13 MB")
    func memory() {
        #expect(8 * NeuronGains.usualElementsAtOnce < 13_000_000)
    }

    @Test("strips of neurons have the gains that all have together", arguments: [0..<4, 3..<9, 9..<10])
    func strips(_ neurons: Range<Int>) throws {
        let (reference, source) = try models([10, 10])
        func gains(of neurons: Range<Int>) throws -> DoubleMatrix {
            var gains = NeuronGains(
                of: reference,
                with: source,
                neurons: neurons,
                count: 10,
                elementsAtOnce: 60
            )
            try gains.addRows(of: "w", columns: 10)
            try gains.addColumns(of: "w", rows: 10)
            return gains.matrix
        }
        let (strip, all) = (try gains(of: neurons), try gains(of: 0..<10))
        #expect(strip.rows == neurons.count && strip.columns == 10)
        for (found, wanted) in zip(strip.values, all.values[(neurons.lowerBound * 10)...]) {
            #expect(abs(found - wanted) < 1e-12)
        }
    }

    @Test("a tensor of another number of neurons is refused by name")
    func mismatch() throws {
        let (reference, source) = try models([4, 3])
        let error = #expect(throws: CollabError.self) {
            try AlignedCheckpoint(source, to: reference, groups: [.init(rows: ["w"], columns: ["w"])])
        }
        #expect(error?.code == .tensorMismatch && error?.message.contains("“w”") == true)
    }
}
