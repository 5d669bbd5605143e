// swift-tools-version: 6.2

import PackageDescription

let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "Collab", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .target(name: "CMachineLimits"),
        .target(name: "CAllocationCount"),
        .executableTarget(
            name: "collab-bench",
            dependencies: [
                "CMachineLimits", "CAllocationCount",
                .product(name: "Collab", package: "Collab"),
                .product(name: "CollabBackends", package: "Collab"),
                .product(name: "CollabKernels", package: "Collab"),
                .product(name: "CollabMerging", package: "Collab"),
                .product(name: "CollabRouting", package: "Collab"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/CollabBench",
            swiftSettings: [
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
