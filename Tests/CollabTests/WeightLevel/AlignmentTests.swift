import Testing

@testable import Collab

@Suite("Neurons are brought into the order of another model's")
struct AlignmentTests {
    private static let names = ["mlp.gate_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight"]

    /// A layer of 7 neurons between 5 inputs and outputs.
    private func layer(_ seed: UInt64) throws -> MemoryCheckpoint {
        var generator = SeededGenerator(seed: seed)
        func values() -> [Float] { (0..<35).map { _ in Float(generator.nextUnit() - 0.5) } }
        return try MemoryCheckpoint(
            "layer \(seed)",
            tensors: [
                .init("layers.0." + Self.names[0], shape: [7, 5], values: values()),
                .init("layers.0." + Self.names[1], shape: [7, 5], values: values()),
                .init("layers.0." + Self.names[2], shape: [5, 7], values: values()),
            ]
        )
    }

    /// The layer with its neurons in another order, and a little noise.
    private func shuffled(_ layer: MemoryCheckpoint, _ order: [Int], noise: Float) throws -> MemoryCheckpoint
    {
        var generator = SeededGenerator(seed: 9)
        let tensors = try layer.tensors.map { tensor in
            let values = try layer.values(of: tensor.name)
            let isDown = tensor.shape == [5, 7]
            var moved: [Float] = []
            for row in 0..<tensor.shape[0] {
                for column in 0..<tensor.shape[1] {
                    let from = isDown ? row * 7 + order[column] : order[row] * 5 + column
                    moved.append(values[from] + noise * Float(generator.nextUnit() - 0.5))
                }
            }
            return MemoryCheckpoint.Tensor(tensor.name, shape: tensor.shape, values: moved)
        }
        return try MemoryCheckpoint("shuffled", tensors: tensors)
    }

    @Test("neurons that were shuffled find back, element by element and for any range")
    func shuffling() throws {
        let layer = try layer(1)
        let aligned = try shuffled(layer, [3, 0, 6, 1, 5, 2, 4], noise: 0).aligned(to: layer)
        #expect(aligned.changedTensorCount == 3)
        for tensor in layer.tensors {
            #expect(try aligned.values(of: tensor.name) == layer.values(of: tensor.name))
            #expect(
                try aligned.values(of: tensor.name, elements: 3..<18)
                    == layer.values(of: tensor.name, elements: 3..<18)
            )
            #expect(aligned.storage(of: tensor.name) == nil)
        }
        let noisy = try shuffled(layer, [6, 5, 4, 3, 2, 1, 0], noise: 0.2).aligned(to: layer)
        let merged = MergedCheckpoint(nil, .linear(), members: [layer, noisy])
        for tensor in layer.tensors {
            for (found, wanted) in zip(try merged.values(of: tensor.name), try layer.values(of: tensor.name))
            {
                #expect(abs(found - wanted) <= 0.0501)
            }
        }
    }

    @Test("neurons that read alike are told apart by what they write")
    func columns() throws {
        let rows = [Float](repeating: 0.5, count: 35)
        let layer = try layer(3)
        let written = "layers.0." + Self.names[2]
        let alike = try MemoryCheckpoint(
            "alike",
            tensors: layer.tensors.map { tensor in
                .init(
                    tensor.name,
                    shape: tensor.shape,
                    values: tensor.name == written ? try layer.values(of: written) : rows
                )
            }
        )
        let aligned = try shuffled(alike, [3, 0, 6, 1, 5, 2, 4], noise: 0).aligned(to: alike)
        #expect(aligned.changedTensorCount == 3)
        #expect(try aligned.values(of: written) == layer.values(of: written))
    }

    @Test("tensors are read in slices, never as a whole")
    func slices() throws {
        let shape = [2, 20_000]
        let order = "layers.0." + Self.names[2]
        func model(_ first: Float) throws -> SharedCheckpoint {
            SharedCheckpoint(
                try MemoryCheckpoint(
                    "wide",
                    tensors: [
                        .init(
                            "layers.0." + Self.names[0],
                            shape: shape,
                            values: (0..<40_000).map { $0 < 20_000 ? first : -first }
                        ),
                        .init(order, shape: [1, 2], values: [first, -first]),
                    ]
                )
            )
        }
        let (reference, source) = (try model(1), try model(-1))
        let aligned = try source.aligned(to: reference)
        #expect(max(reference.largestRead, source.largestRead) <= TensorInputs.blockSize)
        #expect(reference.readElements == 40_002 && source.readElements == 40_002)
        #expect(try aligned.values(of: order) == [1, -1])
    }

    @Test("gains that there is no memory for give the same order from a scratch file", arguments: [1, 2, 6])
    func scratch(_ stripLength: Int) throws {
        let layer = try layer(5)
        let groups = NeuronGroup.feedForward(of: layer)
        for noise: Float in [0, 0.6, 5] {
            let source = try shuffled(layer, [3, 0, 6, 1, 5, 2, 4], noise: noise)
            let kept = try AlignedCheckpoint(source, to: layer, groups: groups)
            let shared = SharedCheckpoint(source)
            let stored = try AlignedCheckpoint(
                shared,
                to: layer,
                groups: groups,
                mostGainBytes: 8 * 7 * stripLength
            )
            // Once for each strip.
            #expect(shared.readElements == (7 + stripLength - 1) / stripLength * 105)
            for tensor in layer.tensors {
                #expect(try stored.values(of: tensor.name) == kept.values(of: tensor.name))
            }
        }
    }

    @Test("the disk space that is taken is known before")
    func space() throws {
        func bytes(_ neurons: Int) throws -> Int {
            let checkpoint = try MemoryCheckpoint(
                "\(neurons) neurons",
                tensors: Self.names.map { name in
                    let shape = name == Self.names[2] ? [1, neurons] : [neurons, 1]
                    return .init(
                        "layers.0." + name,
                        shape: shape,
                        values: [Float](repeating: 0, count: neurons)
                    )
                }
            )
            return AlignedCheckpoint.scratchByteCount(
                of: NeuronGroup.feedForward(of: checkpoint),
                in: checkpoint
            )
        }
        #expect(try bytes(4096) == 0)
        #expect(try bytes(14_336) == 8 * 14_336 * 14_336)
    }

    @Test("as many neurons as there can be, without any weights, are left where they are")
    func neuronsOfNothing() throws {
        let count = 1 << 40
        let names = ["gate_proj", "up_proj", "down_proj"].map { "layers.0.mlp.\($0).weight" }
        let layer = try MemoryCheckpoint(
            "nothing",
            tensors: names.enumerated().map { place, name in
                MemoryCheckpoint.Tensor(name, shape: place < 2 ? [count, 0] : [0, count], values: [])
            }
        )
        let groups = NeuronGroup.feedForward(of: layer)
        #expect(AlignedCheckpoint.scratchByteCount(of: groups, in: layer) == .max)
        #expect(try AlignedCheckpoint(layer, to: layer, groups: groups).changedTensorCount == 0)
    }

    @Test("a model that matches as it is keeps its stored form")
    func identity() throws {
        let layer = try layer(2)
        let aligned = try layer.aligned(to: layer)
        #expect(aligned.changedTensorCount == 0)
        #expect(aligned.storage(of: "layers.0." + Self.names[0]) != nil)
    }

    @Test("the assignment is the best of all", arguments: 0..<20)
    func assignment(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let count = Int(seed % 6) + 1
        var values = (0..<count * count).map { _ in (generator.nextUnit() * 20).rounded() - 10 }
        if seed > 15 { values = values.map { _ in 1 } }
        let gains = DoubleMatrix(rows: count, columns: count, values: values)
        let found = try Assignment(maximising: KeptGains(matrix: gains)).columns
        let stored = try StoredMatrix(rows: count, columns: count)
        try stored.put(gains)
        #expect(try Assignment(maximising: StoredGains(stored)).columns == found)
        #expect(Set(found).count == count)
        func worth(_ columns: [Int]) -> Double {
            columns.enumerated().reduce(0) { $0 + values[$1.offset * count + $1.element] }
        }
        var best = -Double.infinity
        func tryAll(_ chosen: [Int]) {
            if chosen.count == count { best = max(best, worth(chosen)) }
            for column in 0..<count where !chosen.contains(column) { tryAll(chosen + [column]) }
        }
        tryAll([])
        #expect(worth(found) == best)
    }

    @Test("layers of another width are refused by name")
    func mismatch() throws {
        let other = try MemoryCheckpoint(
            "other",
            tensors: try layer(1).tensors.map { .init($0.name, shape: [2, 2], values: [1, 2, 3, 4]) }
        )
        let error = #expect(throws: CollabError.self) { try other.aligned(to: try layer(1)) }
        #expect(error?.code == .tensorMismatch)
        #expect(error?.message.contains("mlp.") == true)
    }
}
