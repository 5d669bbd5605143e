extension Report {
    /// How much is stored in which type, then the tensors: those that layers have alike on one line.
    mutating func describeTensors(_ tensors: [TensorLine], listingAll: Bool) {
        let total = tensors.reduce(0) { $0 + $1.byteCount }
        section(
            "Types",
            "\(counted(tensors.count, "tensor")), \(formattedSize(total))",
            numeric: [1, 2, 3, 4]
        )
        for (type, group) in Dictionary(grouping: tensors, by: \.type).sorted(by: {
            size($0.value) > size($1.value)
        }) {
            let elements = group.reduce(0) { $0 + $1.elementCount }
            let share = total == 0 ? 0 : Int((100 * Double(size(group)) / Double(total)).rounded())
            row(
                type,
                counted(group.count, "tensor"),
                counted(elements, "element"),
                formattedSize(size(group)),
                share == 0 && elements > 0 ? "< 1 %" : "\(share) %"
            )
        }
        section("Tensors", "shapes are rows × columns", numeric: [3])
        guard !listingAll else {
            for tensor in tensors {
                row(
                    tensor.name.quoted(limit: 80),
                    tensor.type,
                    tensor.shapeText,
                    formattedSize(tensor.byteCount)
                )
            }
            return
        }
        for group in alike(tensors) {
            let first = group.tensors[0]
            row(
                group.name.quoted(limit: 80),
                first.type,
                first.shapeText,
                formattedSize(first.byteCount),
                group.layers.isEmpty ? "" : "* = \(ranges(group.layers))"
            )
        }
    }

    private func size(_ tensors: [TensorLine]) -> Int { tensors.reduce(0) { $0 + $1.byteCount } }

    private struct Group {
        var name: String
        var tensors: [TensorLine]
        var layers: [Int]
    }

    /// Tensors that differ only in the number of their layer, in the order in which the first of each comes.
    private func alike(_ tensors: [TensorLine]) -> [Group] {
        struct Key: Hashable {
            var name: String
            var type: String
            var shape: [Int]
        }
        var groups: [Group] = []
        var places: [Key: Int] = [:]
        for tensor in tensors {
            let (name, layer) = tensor.pattern
            let key = Key(name: name, type: tensor.type, shape: tensor.shape)
            if let place = places[key], let layer {
                groups[place].tensors.append(tensor)
                groups[place].layers.append(layer)
            } else {
                places[key] = groups.count
                groups.append(Group(name: name, tensors: [tensor], layers: layer.map { [$0] } ?? []))
            }
        }
        return groups
    }
}
