package import Collab

extension WeightLayout {
    /// A safetensors file: the length of the header, the header, and spaces up to a multiple of 256 bytes, so that whole
    /// cache lines, and from some element on whole pages, are written of most tensors.
    ///
    /// - Parameter buffers: what the file holds beside weights.
    ///
    /// Throws ``Collab/CollabError`` with `unsupported` for quantised formats, and `tensorMismatch` for a name given
    /// twice or reserved and for a shape that is too large.
    package init(
        safetensors tensors: [TensorDescription],
        buffers: [StoredBuffer] = [],
        metadata: [String: String]
    ) throws(CollabError) {
        // Wider elements first: then every tensor is aligned to its elements. The sort is stable.
        let items = (tensors.map(Item.weight) + buffers.map(Item.buffer)).enumerated()
            .sorted { ($1.element.width, $0.offset) < ($0.element.width, $1.offset) }
            .map(\.element)
        var root = JSONObject()
        if !metadata.isEmpty {
            var texts = JSONObject()
            for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { texts[key] = .string(value) }
            root["__metadata__"] = .object(texts)
        }
        var (end, offsets) = (0, [Int]())
        var sorted: [TensorDescription] = []
        var placed: [(buffer: StoredBuffer, offset: Int)] = []
        for item in items {
            let size: Int
            switch item {
            case .weight(let tensor): size = try Self.byteCount(of: tensor)
            case .buffer(let buffer): size = buffer.tensor.byteCount
            }
            let (next, overflow) = end.addingReportingOverflow(size)
            guard !overflow else {
                throw CollabError(.tensorMismatch, "The tensors have 2^63 bytes or more together.")
            }
            let entry: JSONValue = [
                "dtype": .string(item.type?.rawValue ?? ""),
                "shape": .array(item.shape.map { JSONValue($0) }),
                "data_offsets": [JSONValue(end), JSONValue(next)],
            ]
            guard item.name != "__metadata__", root.append(item.name, entry) else {
                throw CollabError(
                    .tensorMismatch,
                    "The tensor “\(item.name)” is there twice or has a reserved name."
                )
            }
            switch item {
            case .weight(let tensor):
                sorted.append(tensor)
                offsets.append(end)
            case .buffer(let buffer): placed.append((buffer, end))
            }
            end = next
        }
        var text = JSONValue.object(root).encoded()
        let begun = (MemoryLayout<UInt64>.size + text.count) % 256
        text += repeatElement(0x20, count: (256 - begun) % 256)
        guard text.count <= SafetensorsHeader.longest else {
            throw CollabError(.tensorMismatch, "\(tensors.count) tensors make too long a header.")
        }
        let header = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
        self.init(tensors: sorted, offsets: offsets, header: header, byteCount: header.count + end)
        self.buffers = placed
    }

    private enum Item {
        case weight(TensorDescription)
        case buffer(StoredBuffer)

        /// How many bytes an element takes.
        var width: Int {
            switch self {
            case .weight(let tensor): tensor.format.blockBytes
            case .buffer(let buffer): buffer.tensor.type.bitCount / 8
            }
        }

        var name: String {
            switch self {
            case .weight(let tensor): tensor.name
            case .buffer(let buffer): buffer.name
            }
        }

        var shape: [Int] {
            switch self {
            case .weight(let tensor): tensor.shape
            case .buffer(let buffer): buffer.tensor.shape
            }
        }

        var type: SafetensorsType? {
            switch self {
            case .weight(let tensor): SafetensorsType(tensor.format)
            case .buffer(let buffer): buffer.tensor.type
            }
        }
    }

    private static func byteCount(of tensor: TensorDescription) throws(CollabError) -> Int {
        guard SafetensorsType(tensor.format) != nil else {
            throw CollabError(
                .unsupported,
                "“\(tensor.name)” is of type \(tensor.format.rawValue), which a safetensors file cannot hold; "
                    + "choose F32, F16 or BF16."
            )
        }
        var size = tensor.format.blockBytes
        for extent in tensor.shape {
            let (product, overflow) = size.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflow else {
                throw CollabError(
                    .tensorMismatch,
                    "“\(tensor.name)” of shape \(tensor.shape) has 2^63 bytes or more."
                )
            }
            size = product
        }
        return size
    }
}
