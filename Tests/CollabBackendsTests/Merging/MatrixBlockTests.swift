import Testing

@testable import Collab

@Suite("Matrices that are merged in strips and blocks")
struct MatrixBlockTests {
    private static let tensor = "w.weight"

    /// Numbers that repeat for nobody.
    private static func values(_ count: Int, _ seed: Int) -> [Float] {
        (0..<count).map { place in
            let mixed = UInt64(place + 1) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(seed) &* 0xD134_2543_DE82_EF95
            return Float(Int64(bitPattern: mixed &* mixed >> 32 &* 0x2545_F491_4F6C_DD1D) >> 40) / 0x80_0000
        }
    }

    /// A base of zeros and three members.
    private func checkpoints(
        _ shape: [Int],
        transposing: Bool = false,
        rank: Int? = nil
    ) throws -> (base: MemoryCheckpoint, members: [MemoryCheckpoint]) {
        let count = shape[0] * shape[1]
        func values(_ member: Int) -> [Float] {
            guard let rank else { return Self.values(count, member) }
            // A product of two thin matrices, as an adapter changes one.
            let (left, right) = (
                Self.values(shape[0] * rank, 10 + member), Self.values(rank * shape[1], 20 + member)
            )
            var product = [Float](repeating: 0, count: count)
            for row in 0..<shape[0] {
                for column in 0..<shape[1] {
                    for place in 0..<rank {
                        product[row * shape[1] + column] +=
                            left[row * rank + place] * right[place * shape[1] + column]
                    }
                }
            }
            return product
        }
        func checkpoint(_ name: String, _ values: [Float]) throws -> MemoryCheckpoint {
            var (shape, values) = (shape, values)
            if transposing {
                values = (0..<count).map { values[$0 % shape[0] * shape[1] + $0 / shape[0]] }
                shape.reverse()
            }
            return try MemoryCheckpoint(
                name,
                tensors: [.init(Self.tensor, shape: shape, values: values)]
            )
        }
        return (
            try checkpoint("base", [Float](repeating: 0, count: count)),
            try (0..<3).map { try checkpoint("\($0)", values($0)) }
        )
    }

    private func tasks(
        _ shape: [Int],
        transposing: Bool = false,
        strips: Int = TaskMatrices.usualStripElements,
        space: MatrixSpace = .usual,
        rank: Int? = nil
    ) throws -> TaskMatrices {
        let (base, members) = try checkpoints(shape, transposing: transposing, rank: rank)
        return TaskMatrices(
            TensorInputs(
                tensor: base.tensors[0],
                members: members,
                base: base,
                requiresFinite: true
            ),
            stripElements: strips,
            space: space
        )
    }

    /// No memory, and all steps of the work in scratch files with little matrices.
    private static let noSpace = MatrixSpace(
        mostBytes: 0,
        panelLength: 3,
        largestLeaf: 4,
        stripElements: 50,
        blockElements: 40
    )

    /// The result, read block by block.
    private func whole(_ matrix: any BlockwiseMatrix, _ tasks: TaskMatrices) throws -> [Double] {
        var values: [Double] = []
        for start in stride(from: 0, to: tasks.rows, by: matrix.rowsAtOnce) {
            values += try matrix.rows(start..<min(start + matrix.rowsAtOnce, tasks.rows)).values
        }
        return values
    }

    private func method(_ name: String) -> any WholeMatrixMethod {
        switch name {
        case "Iso-C": IsotropicMerge.isoC()
        case "Iso-CTS": IsotropicMerge.isoCTS(commonShare: 0.5)
        case "TSV-M": SingularVectorMerge.tsvM()
        default: WUDIMerge.wudi(steps: 5, rate: 1e-3)
        }
    }

    private func expectNear(_ found: [Double], _ wanted: [Double]) {
        #expect(found.count == wanted.count)
        let worst = zip(found, wanted).map { abs($0 - $1) }.max() ?? .infinity
        #expect(worst < 1e-11)
    }

    @Test(
        "come out the same whatever the size of a strip",
        arguments: ["Iso-C", "Iso-CTS", "TSV-M", "WUDI"],
        [[7, 18], [18, 7], [9, 9]]
    )
    func strips(_ name: String, _ shape: [Int]) throws {
        let (large, small) = (try tasks(shape), try tasks(shape, strips: 21))
        #expect(large.strips.count == 1 && small.strips.count > 2)
        let (one, many) = (
            try method(name).change(of: large), try method(name).change(of: small)
        )
        #expect(one.rowsAtOnce == shape[0] && many.rowsAtOnce < shape[0])
        expectNear(try whole(many, small), try whole(one, large))
    }

    @Test(
        "come out of scratch files as they do in memory, of any rank",
        arguments: ["Iso-C", "Iso-CTS", "TSV-M", "WUDI"],
        [[17, 38], [38, 17], [23, 23]]
    )
    func scratch(_ name: String, _ shape: [Int]) throws {
        for rank in [nil, 1, 3] {
            let kept = try tasks(shape, rank: rank)
            let stored = try tasks(shape, strips: 70, space: Self.noSpace, rank: rank)
            let change = try method(name).change(of: stored)
            #expect(change.byteCount == 0)
            expectNear(try whole(change, stored), try whole(method(name).change(of: kept), kept))
        }
    }

    @Test(
        "come out of scratch files as nothing where nothing was changed",
        arguments: ["Iso-C", "TSV-M", "WUDI"]
    )
    func nothing(_ name: String) throws {
        let stored = try tasks([9, 11], space: Self.noSpace, rank: 0)
        let found = try whole(method(name).change(of: stored), stored)
        #expect(found.allSatisfy { $0 == 0 } && found.count == 99)
    }

    @Test("are regressed in scratch files as in memory")
    func regression() throws {
        let (_, members) = try checkpoints([13, 29])
        let tensor = members[0].tensors[0]
        let grams = try (0..<3).map { member in
            let factor = Self.values(29 * 40, 30 + member)
            var values = [Float](repeating: 0, count: 29 * 29)
            for row in 0..<29 {
                for column in 0..<29 {
                    for place in 0..<40 {
                        values[row * 29 + column] += factor[row * 40 + place] * factor[column * 40 + place]
                    }
                }
            }
            let gram = MemoryCheckpoint.Tensor("gram", shape: [29, 29], values: values)
            return ReducedGram(
                checkpoint: try MemoryCheckpoint("\(member)", tensors: [gram]),
                name: "gram",
                order: 29,
                alpha: 0.9
            )
        }
        let inputs = TensorInputs(tensor: tensor, members: members, base: nil, requiresFinite: true)
        let kept = try RegressedMatrix(inputs, grams)
        let stored = try RegressedMatrix(inputs, grams, space: Self.noSpace)
        #expect(stored.byteCount == 0 && kept.byteCount == 8 * 29 * 29)
        expectNear(try stored.rows(0..<13).values, try kept.rows(0..<13).values)
        expectNear(try stored.rows(4..<6).values, Array(try kept.rows(0..<13).values[4 * 29..<6 * 29]))
    }

    @Test("end within a strip when they are not wanted any more", arguments: ["Iso-C", "TSV-M", "WUDI"])
    func cancellation(_ name: String) throws {
        let stored = try tasks([17, 38], space: Self.noSpace)
        let asked = Protected(0)
        let error = #expect(throws: CollabError.self) {
            try ThreadCancellation.asking({
                asked.withLock { count in
                    count += 1
                    return count > 20
                }
            }) { _ = try method(name).change(of: stored) }
        }
        #expect(error?.code == .cancelled)
        #expect(asked.withLock { $0 } == 21)
    }

    @Test(
        "come out transposed where they are given so",
        arguments: ["Iso-C", "TSV-M"],
        [[7, 18], [9, 9]]
    )
    func transposed(_ name: String, _ shape: [Int]) throws {
        let (straight, turned) = (try tasks(shape), try tasks(shape, transposing: true))
        let found = try whole(method(name).change(of: straight), straight)
        let other = try whole(method(name).change(of: turned), turned)
        expectNear(
            found,
            DoubleMatrix(rows: shape[1], columns: shape[0], values: other).transposed.values
        )
    }

    /// What all members write into is taken from each one's task vector before its own directions are looked for.
    @Test("are by Iso-CTS what whole matrices give", arguments: [[7, 18], [18, 7], [9, 9]])
    func besideCommon(_ shape: [Int]) throws {
        let tasks = try tasks(shape, strips: 30)
        let found = try whole(method("Iso-CTS").change(of: tasks), tasks)
        let (rows, columns, rank) = (shape[0], shape[1], shape.min() ?? 0)
        let members = try (0..<3).map { try tasks.block(rows: 0..<rows, of: [$0]) }
        // Left and right directions and lengths of a matrix, by its left Gram matrix.
        func directions(_ matrix: DoubleMatrix, _ count: Int) throws -> [(left: [Double], length: Double)] {
            var gram = DoubleMatrix(rows: rows, columns: rows)
            try gram.addSquare(of: matrix.factor)
            let (squares, vectors) = try gram.takeLargestEigenvectors(count)
            return (0..<count).map {
                (Array(vectors.values[$0 * rows..<($0 + 1) * rows]), squares[$0].squareRoot())
            }
        }
        let each = Int((Double(rank - rank / 2) / 3).rounded(.toNearestOrEven))
        let sum = members[0] + members[1] + members[2]
        var (lefts, rights, lengths): ([[Double]], [[Double]], [Double]) = ([], [], [])
        func add(_ matrix: DoubleMatrix, _ count: Int) throws {
            for direction in try directions(matrix, count) {
                lefts.append(direction.left)
                lengths.append(direction.length)
                rights.append(
                    (0..<columns).map { column in
                        (0..<rows).map { matrix.values[$0 * columns + column] * direction.left[$0] }
                            .reduce(0, +) / direction.length
                    }
                )
            }
        }
        try add(sum, rank - 3 * each)
        let common = lefts
        for member in members {
            var rest = member
            for left in common {
                for column in 0..<columns {
                    let along = (0..<rows).map { member.values[$0 * columns + column] * left[$0] }
                        .reduce(0, +)
                    for row in 0..<rows { rest.values[row * columns + column] -= along * left[row] }
                }
            }
            try add(rest, each)
        }
        func turned(_ vectors: [[Double]]) throws -> DoubleMatrix {
            let stacked = DoubleMatrix(
                rows: vectors.count,
                columns: vectors[0].count,
                values: vectors.flatMap { $0 }
            )
            var gram = DoubleMatrix(rows: vectors.count, columns: vectors.count)
            try gram.addSquare(of: stacked.factor)
            var result = DoubleMatrix(rows: vectors.count, columns: vectors[0].count)
            try result.put(gram.takeInverseRoot().factor, times: stacked.factor)
            return result
        }
        let mean = lengths.reduce(0, +) / Double(max(rank, 3 * each))
        var wanted = DoubleMatrix(rows: rows, columns: columns)
        try wanted.put(turned(lefts).factor.transposed, times: turned(rights).factor, factor: mean)
        expectNear(found, wanted.values)
    }

    @Test("have directions of equal length by Iso-C: its square is a multiple of the unit matrix")
    func isotropy() throws {
        let tasks = try tasks([5, 12], strips: 10)
        let values = try whole(method("Iso-C").change(of: tasks), tasks)
        let matrix = DoubleMatrix(rows: 5, columns: 12, values: values)
        var square = DoubleMatrix(rows: 5, columns: 5)
        try square.addSquare(of: matrix.factor)
        for row in 0..<5 {
            for column in row..<5 {
                let wanted = row == column ? square.values[0] : 0
                #expect(abs(square.values[row * 5 + column] - wanted) < 1e-11)
            }
        }
        #expect(square.values[0] > 0.01)
    }

    @Test("WUDI has the same slope whether inner products are kept or rows multiplied with all others")
    func slopes() throws {
        for shape in [[18, 7], [7, 18]] {
            let tasks = try tasks(shape, strips: 40)
            let kept = try DescendedTasks(tasks, steps: 5, rate: 1e-3)
            let multiplied = try DescendedTasks(tasks, steps: 5, rate: 1e-3, mostGramElements: 0)
            #expect(multiplied.byteCount < kept.byteCount)
            expectNear(try whole(multiplied, tasks), try whole(kept, tasks))
        }
    }

    @Test("are the same read in any order and part by part", arguments: ["Iso-C", "TSV-M"])
    func order(_ name: String) throws {
        let (base, members) = try checkpoints([12, 5])
        var method: any MergeMethod = IsotropicMerge.isoC(base: base)
        if name == "TSV-M" { method = SingularVectorMerge.tsvM(base: base) }
        let merged = MergedCheckpoint(nil, method, members: members)
        let all = try merged.values(of: Self.tensor)
        for start in stride(from: 57, through: 0, by: -3) {
            let part = try merged.values(of: Self.tensor, elements: start..<start + 3)
            #expect(part == Array(all[start..<start + 3]))
        }
    }

    /// An order of 2,048 is the largest whose eigenvectors are found in three times the matrix instead of twice.
    @Test(
        "take what the articles state, in matrices of the order of the shorter side, of which eigenvectors take two or three"
    )
    func eigenvectors() {
        func matrices(_ method: some WholeMatrixMethod, _ order: Int) -> Double {
            let tensor = TensorDescription(name: "w", shape: [order, order], format: .bf16)
            let bytes = method.workingByteCount(of: tensor, memberCount: 3)
            return Double(bytes) / Double(8 * order * order)
        }
        #expect((3...3.3).contains(matrices(.isoC(), 2048)))
        #expect((2...2.3).contains(matrices(.isoC(), 2049)))
        for method in [IsotropicMerge.isoCTS() as any WholeMatrixMethod, SingularVectorMerge.tsvM()] {
            #expect((5...5.3).contains(matrices(method, 2048)))
            // Directions that are left out may make the matrices of the others small enough to be divided.
            #expect((4.9...5.3).contains(matrices(method, 2049)))
            #expect((4...4.4).contains(matrices(method, 2700)))
        }
    }

    @Test("are in memory up to the orders that the articles state, and in scratch files beyond")
    func memory() {
        func bytes(_ method: some MergeMethod, _ rows: Int, _ columns: Int) -> (memory: Int, scratch: Int) {
            let tensor = TensorDescription(name: "w", shape: [rows, columns], format: .bf16)
            return (
                method.workingByteCount(of: tensor, memberCount: 3),
                method.scratchByteCount(of: tensor, memberCount: 3)
            )
        }
        for (rows, columns) in [(3800, 14_336), (14_336, 3800), (32_000, 2048)] {
            #expect(bytes(.isoC(), rows, columns).scratch == 0)
        }
        for (rows, columns) in [(2700, 11_264), (11_264, 2700), (32_000, 2048)] {
            #expect(bytes(.isoCTS(), rows, columns).scratch == 0)
            #expect(bytes(.tsvM(), rows, columns).scratch == 0)
        }
        for (rows, columns) in [(4096, 4800), (32_000, 2048), (1280, 3456)] {
            #expect(bytes(.wudi(), rows, columns).scratch == 0)
        }
        let methods: [any WholeMatrixMethod] = [
            IsotropicMerge.isoC(), IsotropicMerge.isoCTS(), SingularVectorMerge.tsvM(), WUDIMerge.wudi(),
        ]
        for method in methods {
            for (rows, columns) in [
                (3000, 3000), (4096, 14_336), (14_336, 4096), (8192, 8192), (2048, 28_672), (28_672, 2048),
            ] {
                #expect(bytes(method, rows, columns).memory < 260_000_000)
            }
            let (memory, scratch) = bytes(method, 8192, 8192)
            #expect(memory > 50_000_000 && scratch >= 8 << 26)
            // Vectors, and what is too large to be merged as a matrix, take nothing.
            #expect(bytes(method, 1 << 14, 1 << 13) == (0, 0))
            let vector = TensorDescription(name: "w", shape: [4096], format: .bf16)
            #expect(method.workingByteCount(of: vector, memberCount: 3) == 0)
        }
        for (columns, isKept) in [(5000, true), (14_336, false), (28_672, false)] {
            let demand = RegressedMatrix.demand(rows: 8192, columns: columns)
            #expect(demand.memory < 260_000_000)
            #expect(demand.scratch == (isKept ? 0 : 8 * columns * columns))
        }
    }
}
