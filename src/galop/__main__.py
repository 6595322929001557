from galop.cli import main

main()
