import ArgumentParser
import Collab
import CollabBackends
import Foundation

/// Aligns the feed-forward neurons of a model that has another's in an order of its own, with noise: what it takes, and
/// whether each finds its place.
struct AlignmentRow {
    let folder: String
    let neurons: Int
    let width: Int

    private static let rows = ["gate", "up"].map { "model.layers.0.mlp.\($0)_proj.weight" }
    private static let columns = "model.layers.0.mlp.down_proj.weight"

    func measure() throws {
        guard neurons > 0, width > 0 else { throw ValidationError("There are no neurons without weights.") }
        var generator = Noise(state: 0x9E37_79B9_7F4A_7C15)
        // For each place of the other model the neuron of the first that stands there.
        let order = Array(0..<neurons).shuffled(using: &generator)
        let reference = try write("alignment-reference", Array(0..<neurons), noise: 0)
        let source = try write("alignment-source", order, noise: 0.5)
        let groups = NeuronGroup.feedForward(of: reference)
        let memory = PeakMemory()
        let (usage, start) = (ProcessUsage.processorSeconds, ContinuousClock.now)
        let aligned = try AlignedCheckpoint(source, to: reference, groups: groups)
        let time = (ContinuousClock.now - start) / .seconds(1)
        let processor = ProcessUsage.processorSeconds - usage
        memory.stop()
        let scratch = AlignedCheckpoint.scratchByteCount(of: groups, in: source)
        let misplaced = try misplaced(aligned, source, order)
        print("neurons    width   seconds     CPU s   memory MB  scratch MB   misplaced")
        print(
            String(
                format: "%7d  %7d  %8.1f  %8.1f  %10d  %10d  %10d",
                neurons,
                width,
                time,
                processor,
                memory.value / 1_000_000,
                scratch / 1_000_000,
                misplaced
            ) + (memory.value > PeakMemory.limit ? "  more than 300 MB" : "")
        )
        if misplaced > 0 || memory.value > PeakMemory.limit { throw ExitCode.failure }
    }

    /// Writes a model of one block whose neurons stand in an order, and opens it.
    private func write(_ name: String, _ order: [Int], noise: Float) throws -> SafetensorsCheckpoint {
        let path = "\(folder)/\(name)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let tensors =
            Self.rows.map { TensorDescription(name: $0, shape: [neurons, width], format: .bf16) }
            + [TensorDescription(name: Self.columns, shape: [width, neurons], format: .bf16)]
        let writer = try SafetensorsWriter(path: path + "/model.safetensors", tensors: tensors)
        for (place, tensor) in tensors.enumerated() {
            let isColumns = tensor.name == Self.columns
            for row in 0..<tensor.shape[0] {
                var values = line(place, isColumns ? row : order[row], count: tensor.shape[1])
                if isColumns { values = order.map { values[$0] } }
                if noise > 0 {
                    let other = line(place + tensors.count, row, count: values.count)
                    for element in values.indices { values[element] += noise * other[element] }
                }
                try writer.append(values, to: tensor.name)
            }
        }
        try writer.finish()
        return try SafetensorsCheckpoint(path: path)
    }

    /// A row of random numbers, always the same.
    private func line(_ tensor: Int, _ row: Int, count: Int) -> [Float] {
        var noise = Noise(state: UInt64(tensor << 32 + row + 1) &* 0x9E37_79B9_7F4A_7C15)
        // The first numbers of neighbouring rows are alike.
        for _ in 0..<8 { _ = noise.normal() }
        return (0..<count).map { _ in noise.normal() }
    }

    /// How many places do not have, to the bit, the weights of the neuron that belongs there.
    private func misplaced(
        _ aligned: AlignedCheckpoint,
        _ source: SafetensorsCheckpoint,
        _ order: [Int]
    ) throws -> Int {
        var places = [Int](repeating: 0, count: neurons)
        for (place, neuron) in order.enumerated() { places[neuron] = place }
        var isMisplaced = [Bool](repeating: false, count: neurons)
        for neuron in 0..<neurons {
            let place = places[neuron]
            for name in Self.rows {
                let found = try aligned.values(of: name, elements: neuron * width..<(neuron + 1) * width)
                let wanted = try source.values(of: name, elements: place * width..<(place + 1) * width)
                if found != wanted { isMisplaced[neuron] = true }
            }
        }
        for row in 0..<width {
            let elements = row * neurons..<(row + 1) * neurons
            let found = try aligned.values(of: Self.columns, elements: elements)
            let all = try source.values(of: Self.columns, elements: elements)
            for neuron in 0..<neurons where found[neuron] != all[places[neuron]] {
                isMisplaced[neuron] = true
            }
        }
        return isMisplaced.count { $0 }
    }
}
