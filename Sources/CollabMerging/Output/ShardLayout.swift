import Collab
import CollabBackends

/// Which tensors go into which file.
struct ShardLayout {
    /// The files' names, and the tensors of each.
    var shards: [(file: String, tensors: [TensorDescription])] = []

    /// Fills files in the order of the tensors; one that would grow beyond the limit is followed by the next. A model in
    /// GGUF is one file.
    init(_ plan: MergePlan, limit: Int) {
        let tensors = plan.tensors
        guard plan.format == .safetensors else {
            shards = [("model.gguf", tensors)]
            return
        }
        var groups: [[TensorDescription]] = []
        var bytes = 0
        for tensor in tensors {
            let size = tensor.storedByteCount
            if groups.isEmpty || bytes + size > limit && bytes > 0 {
                groups.append([])
                bytes = 0
            }
            groups[groups.count - 1].append(tensor)
            bytes += size
        }
        for (index, group) in groups.enumerated() {
            let file =
                groups.count == 1
                ? "model.safetensors"
                : "model-\(Self.padded(index + 1))-of-\(Self.padded(groups.count)).safetensors"
            shards.append((file, group))
        }
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }
}
