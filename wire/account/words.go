package account

// wordList are 256 short English words that are spelled differently enough to
// be told apart when they are read aloud: their order is the protocol.
const wordList = `
acorn alarm album angel ankle apple apron arrow attic autumn
bacon badge baker balloon bamboo banana basket beach beard beetle
bell berry bicycle bird biscuit blanket boat bone book bottle
branch bread brick bridge broom brush bubble bucket button cabin
cactus camera candle canoe carpet carrot castle cat cave cello
chain chalk cheese cherry chess church circus clock cloud clover
coach cobra coffee comet compass cookie copper coral cotton cousin
cradle crayon cricket crow crystal cup curtain daisy dance desert
diamond dinner dolphin door dragon drum duck eagle earth echo
elbow engine envelope eraser evening falcon feather fiddle finger fire
fish flag flower flute forest fork fountain fox frog fruit
garden garlic ghost giant giraffe glass glove gold goose grape
guitar hammer harbour hawk hedge helmet honey horse hotel ice
igloo ink iron island ivory jacket jelly jewel jungle kettle
king kitchen kite kitten knee knife ladder lake lamp leaf
lemon letter lily lime lion lobster magnet mango map maple
marble market meadow melon mirror monkey moon mother mouse music
nail napkin needle nest night north notebook oasis ocean olive
onion orange orchid otter oven owl oyster paint palace panda
paper pebble pencil pepper piano picnic pillow pilot pirate planet
potato prince pumpkin puppet purple puzzle queen quilt rabbit radio
rain ribbon river robin rocket rose saddle sailor salad salmon
sand school scissors shadow sheep shell silver snow sofa soup
spider spoon square star stone storm sugar summer swan table
tiger tunnel turtle umbrella uncle valley velvet violin volcano walnut
whale window wizard wolf yellow zebra
`
