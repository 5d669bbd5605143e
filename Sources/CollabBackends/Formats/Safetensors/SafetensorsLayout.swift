package import Collab

extension WeightLayout {
    /// A safetensors file: the length of the header, the header, and spaces up to a multiple of 256 bytes, so that whole
    /// cache lines, and from some element on whole pages, are written of most tensors.
    ///
    /// Throws ``Collab/CollabError`` with `unsupported` for quantised formats, and `tensorMismatch` for a name given
    /// twice or reserved and for a shape that is too large.
    package init(
        safetensors tensors: [TensorDescription],
        metadata: [String: String]
    ) throws(CollabError) {
        // Wider elements first: then every tensor is aligned to its elements. The sort is stable.
        let tensors = tensors.enumerated()
            .sorted { ($1.element.format.blockBytes, $0.offset) < ($0.element.format.blockBytes, $1.offset) }
            .map(\.element)
        var root = JSONObject()
        if !metadata.isEmpty {
            var texts = JSONObject()
            for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { texts[key] = .string(value) }
            root["__metadata__"] = .object(texts)
        }
        var (end, offsets) = (0, [Int]())
        for tensor in tensors {
            let size = try Self.byteCount(of: tensor)
            let (next, overflow) = end.addingReportingOverflow(size)
            guard !overflow else {
                throw CollabError(.tensorMismatch, "The tensors have 2^63 bytes or more together.")
            }
            let entry: JSONValue = [
                "dtype": .string(SafetensorsType(tensor.format)?.rawValue ?? ""),
                "shape": .array(tensor.shape.map { JSONValue($0) }),
                "data_offsets": [JSONValue(end), JSONValue(next)],
            ]
            guard tensor.name != "__metadata__", root.append(tensor.name, entry) else {
                throw CollabError(
                    .tensorMismatch,
                    "The tensor “\(tensor.name)” is there twice or has a reserved name."
                )
            }
            offsets.append(end)
            end = next
        }
        var text = JSONValue.object(root).encoded()
        let begun = (MemoryLayout<UInt64>.size + text.count) % 256
        text += repeatElement(0x20, count: (256 - begun) % 256)
        guard text.count <= SafetensorsHeader.longest else {
            throw CollabError(.tensorMismatch, "\(tensors.count) tensors make too long a header.")
        }
        let header = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
        self.init(tensors: tensors, offsets: offsets, header: header, byteCount: header.count + end)
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
